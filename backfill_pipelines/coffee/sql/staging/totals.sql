-- What the gates count of the variants of each staged product, in one pass; they look at single variants only where one
-- of these numbers says that something is wrong.
CREATE TEMPORARY TABLE staged_totals ON COMMIT DROP AS
SELECT product_no, count(*) AS variants, count(price) AS prices, count(*) - count(weight_g) AS without_weight,
  count(*) - count(grind) AS without_grind, min(price) AS least, max(price) AS most, max(scale(price)) AS places,
  bool_or(price_from = 'none') AS has_unpriced, min(currency) AS first_currency, max(currency) AS last_currency
FROM staged_variants GROUP BY product_no;
