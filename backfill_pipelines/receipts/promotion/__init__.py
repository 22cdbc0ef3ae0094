"""Promotion of images from the dev table to the prod table: inventory, plan, staged copy, embeddings, rollback.

Shares items, keys, ledger form, leases and rollback rules with the place migration one folder up.

    export file   -> export_reading \
                                     planning -> PlannedImage, or SetAside with its reason
    dev partition -> table_reading  /
                         (transformations, referential, fingerprints)

Pure rules, in reading order: ``planned_image`` (what an image becomes, or why not), ``entities`` (the catalogue: list,
TYPE, stage, keys, attributes), ``attribute_values`` (plain value to attribute), ``entity_keys``, ``reading_rules``,
``transformations`` (what changes on the way), ``fingerprints``, ``referential`` (what must hold before the write),
``planning``, ``export_reading``. None of them opens, calls or writes anything.

What the source holds: ``image_source`` (files or table, one image at a time), ``table_reading``, ``export_inventory``,
``export_manifest`` (what later steps work from), ``export_gates``, ``inventory_lines``, ``inventory_picture``,
``inventory_assets``; ``object_presence`` asks the target's buckets, ``promotion_settings`` holds the choices,
``sample`` makes exports up.

Embedding: ``embedding_backlog`` (counts over the index), ``embedding_samples`` (done, under way or stuck),
``embedding_workflows`` (executions, one at a time, by name), ``embedding`` (a turn of them, and room for a copy run),
``copied_images``, ``begun_images`` (nothing is embedded while there is one), ``embedding_admission`` (places first),
``embedding_target``, ``embedding_report``,
``embedding_config``, ``embedding_settings``, ``embedding_assets``. Which messages the stream handler makes of all
this: ``stream_safety``.

Checking and taking back: ``verification`` (an image against its source), ``verification_gates``, ``verification_run``,
``report_asset``; ``rollback_rules`` (what becomes of an item, and whether an image may be touched; pure),
``rollback_ledger``, ``rollback_preview`` (looks), ``image_undoing`` (writes), ``rollback_gates``, ``rollback_run``,
``rollback_report``. In the UI beside them: ``plan_asset``, ``jobs``, ``gap_sensor``.
"""
