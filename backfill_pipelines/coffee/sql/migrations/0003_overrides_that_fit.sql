-- What a person sets is checked as it is set: a value that is none of its field would stop every later publishing of
-- the coffee's roaster, long after who set it has gone home. Rows from before are named by "backfill coffee overrides".
-- Columns of coffees that a person can set; the others follow from the observations.
CREATE FUNCTION settable_fields() RETURNS SETOF text LANGUAGE sql STABLE AS $$
  SELECT column_name::text FROM information_schema.columns
  WHERE table_schema = 'public' AND table_name = 'coffees' AND column_name NOT IN ('id', 'source_id', 'roaster_id',
    'platform_product_id', 'first_seen_at', 'last_seen_at', 'observed_at', 'created_at', 'updated_at', 'backfill_run_id')
$$;
-- What is wrong with an override, and why where the database says it; NULL when it fits.
CREATE FUNCTION override_fault(field text, value jsonb, OUT fault text, OUT why text) LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF field NOT IN (SELECT settable_fields()) THEN
    fault := 'unknown_field';
  ELSIF value = 'null'::jsonb AND field IN ('name', 'slug', 'status', 'decaf') THEN
    fault := 'needed';
  ELSE
    BEGIN
      PERFORM jsonb_populate_record(NULL::coffees, jsonb_build_object(field, value));
    EXCEPTION WHEN OTHERS THEN
      fault := 'no_value';
      why := SQLERRM;
    END;
  END IF;
END $$;
CREATE FUNCTION refuse_wrong_override() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE found record;
BEGIN
  SELECT * INTO found FROM override_fault(NEW.field, NEW.value);
  CASE found.fault
    WHEN 'unknown_field' THEN
      RAISE EXCEPTION 'field_overrides: % of coffee % is no field that can be set', NEW.field, NEW.coffee_id
        USING ERRCODE = 'check_violation', HINT = 'set a column of coffees that follows from what shops say, such as region';
    WHEN 'needed' THEN
      RAISE EXCEPTION 'field_overrides: coffee % would be left without a %', NEW.coffee_id, NEW.field
        USING ERRCODE = 'check_violation', HINT = 'give a value';
    WHEN 'no_value' THEN
      RAISE EXCEPTION 'field_overrides: % of coffee % cannot be %: %', NEW.field, NEW.coffee_id, NEW.value, found.why
        USING ERRCODE = 'check_violation', HINT = 'give a value of that column''s type, as JSON';
    ELSE RETURN NEW;
  END CASE;
END $$;
CREATE TRIGGER overrides_fit BEFORE INSERT OR UPDATE ON field_overrides FOR EACH ROW EXECUTE FUNCTION refuse_wrong_override();
