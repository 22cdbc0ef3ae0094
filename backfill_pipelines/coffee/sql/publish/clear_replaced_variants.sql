-- The variants of observations that are said anew: a re-derivation may have fewer of them.
DELETE FROM variant_observations o USING publishing p
WHERE p.standing = 'replaces' AND o.product_artifact_id = p.product_artifact_id;
