-- Ids of coffees and variants that this transaction sees for the first time.
CREATE TEMPORARY TABLE new_rows (id uuid PRIMARY KEY) ON COMMIT DROP;
