-- Observations that the run added: their bodies stay, so a replay brings them back.
DELETE FROM product_artifacts p USING withdrawn w WHERE p.id = w.id AND w.before IS NULL;
