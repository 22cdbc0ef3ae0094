-- Grain: one shop feed, as it is fetched. Parameter: source_id.
SELECT s.products_endpoint, s.page_limit, r.default_concurrency
FROM product_sources s JOIN roasters r ON r.id = s.roaster_id
WHERE s.id = %(source_id)s
