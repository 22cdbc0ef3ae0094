-- What a person sets is checked as it is set: a value that is none of its field would stop every later publishing of
-- the coffee's roaster, long after who set it has gone home. Rows from before are named by "backfill coffee overrides".
CREATE FUNCTION refuse_wrong_override() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM information_schema.columns WHERE table_schema = 'public' AND table_name = 'coffees' AND column_name = NEW.field)
    OR NEW.field IN ('id', 'source_id', 'roaster_id', 'platform_product_id', 'first_seen_at', 'last_seen_at', 'observed_at', 'created_at', 'updated_at', 'backfill_run_id') THEN
    RAISE EXCEPTION 'field_overrides: % of coffee % is no field that can be set', NEW.field, NEW.coffee_id
      USING ERRCODE = 'check_violation', HINT = 'set a column of coffees that follows from what shops say, such as region';
  END IF;
  IF NEW.value = 'null'::jsonb AND NEW.field IN ('name', 'slug', 'status', 'decaf') THEN
    RAISE EXCEPTION 'field_overrides: coffee % would be left without a %', NEW.coffee_id, NEW.field USING ERRCODE = 'check_violation', HINT = 'give a value';
  END IF;
  BEGIN
    PERFORM jsonb_populate_record(NULL::coffees, jsonb_build_object(NEW.field, NEW.value));
  EXCEPTION WHEN OTHERS THEN
    RAISE EXCEPTION 'field_overrides: % of coffee % cannot be %: %', NEW.field, NEW.coffee_id, NEW.value, SQLERRM
      USING ERRCODE = 'check_violation', HINT = 'give a value of that column''s type, as JSON';
  END;
  RETURN NEW;
END $$;
CREATE TRIGGER overrides_fit BEFORE INSERT OR UPDATE ON field_overrides FOR EACH ROW EXECUTE FUNCTION refuse_wrong_override();
