"""Receipts: every receipt's merchant becomes a place that Google describes, in the table the receipts live in.

A receipt has a RECEIPT_METADATA row: what an older system made of its merchant. The migration writes a RECEIPT_PLACE
beside it, from one Places API call for each distinct place id, in waves of whole buckets, and never touches the row.

    item -> metadata (tolerant read, eligibility) -> answer -> place_building -> place -> item
                                                      |                           |
                                       matching (does it agree?)     provenance (who wrote it?)

Pure rules, in reading order: ``items`` (typed form, digest, size), ``keys`` (identity, buckets), ``names`` (slug,
placeholders, phones), ``metadata``, ``matching``, ``place`` (entity, keys, strict write), ``provenance`` (run mark,
content digest), ``place_building``, ``place_reading`` (tolerant read), ``outcomes`` (codes, equations), ``waves``,
``ratio_gates``, ``prices``, ``capacity``, ``assessment``. None of them opens, calls or writes anything.

What reads the table and keeps files: ``inventory``, ``manifest``, ``inventory_gates``, ``assessment_report``,
``bucket_picture``, ``assets``; ``try_out`` fills a table of its own on a local server.

What writes places: ``migration_plan``, ``place_admission`` (may a bucket be written?), ``place_target`` (a range of
buckets), ``bucket_writing`` (the protocol: intents, puts, outcomes), ``record_preparing``, ``put_records``,
``before_images``, ``stop_rules``, ``write_rate``; judged by ``bucket_gates`` on ``bucket_states``, told by
``run_reports``; ``cache_target`` fills the cache, ``dry_run`` only looks, ``quarantine`` reopens what was set aside.
``migration_assets`` has the assets.

What asks the Places API: ``place_fetching`` (``fetch_loop``, ``place_attempts``, ``patience``, ``fetch_report``). What
an answer means is in ``place_answers``; answers are kept by ``places_cache``, attempts and money by ``call_ledger``
(``call_rows``); ``place_claims`` says who fetches what, ``key_proof`` what follows a refused key.

What takes a run back: ``rollback_scope`` (which records), ``rollback_steps`` (what is done with each, pure),
``rollback_preview``, ``rollback`` (the writes), ``rollback_ledger``, ``rollback_gates`` (what it proves),
``rollback_run`` and ``rollback_report``; ``after_images``, ``place_digests`` and ``stream_effects`` serve them. What a
person starts in the UI: ``jobs``, ``gap_sensor``.
"""
