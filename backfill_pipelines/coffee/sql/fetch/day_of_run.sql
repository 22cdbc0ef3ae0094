-- Grain: one run: its day is that of what it observed. Parameters: id, day.
UPDATE scrape_runs SET partition_date = %(day)s WHERE id = %(id)s
