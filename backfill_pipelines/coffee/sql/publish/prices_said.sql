-- How many prices the chunk says.
SELECT COALESCE(sum(n.prices), 0)::bigint
FROM (SELECT product_no, count(price) AS prices FROM staged_variants GROUP BY product_no) n
JOIN publishing p USING (product_no)
WHERE p.standing <> 'yields';
