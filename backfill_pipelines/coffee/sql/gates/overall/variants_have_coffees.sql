-- Variants without their coffee.
SELECT (SELECT count(*) FROM variants), count(*), (array_agg('variant ' || v.id ORDER BY v.id))[1:20]
FROM variants v WHERE NOT EXISTS (SELECT FROM coffees c WHERE c.id = v.coffee_id);
