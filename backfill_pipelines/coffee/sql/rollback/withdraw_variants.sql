-- What withdrawn observations said of variants.
DELETE FROM variant_observations o USING withdrawn w WHERE o.product_artifact_id = w.id;
