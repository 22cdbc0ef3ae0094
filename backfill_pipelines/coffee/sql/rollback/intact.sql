-- The images that a rollback may restore.
CREATE TEMPORARY VIEW intact_images AS SELECT * FROM run_images WHERE is_intact;
