-- Limitation periods and warnings. Periods are computed from facts at every question; here are the facts that nobody else
-- keeps, and the warnings that were given.

-- +goose Up

CREATE TABLE limitation_events (
    limitation_event_id text        PRIMARY KEY,
    customer_id         text        NOT NULL,
    item_id             text        NOT NULL, -- empty: all items of the customer with a document date on or before event_date
    kind                text        NOT NULL CHECK (kind IN ('DEMAND', 'ACKNOWLEDGEMENT', 'PART_PAYMENT', 'PROCEEDING', 'OBSTACLE')),
    event_date          date        NOT NULL,
    evidence            text        NOT NULL CHECK (evidence <> ''),
    source              text        NOT NULL CHECK (source <> ''),
    recorded_by         text        NOT NULL CHECK (recorded_by <> ''),
    record_date         date        NOT NULL,
    created_at          timestamptz NOT NULL
);
CREATE INDEX limitation_events_customer_idx ON limitation_events (customer_id, event_date);

CREATE TABLE limitation_event_ends (
    limitation_event_id text        PRIMARY KEY REFERENCES limitation_events,
    end_date            date        NOT NULL,
    ended_by            text        NOT NULL CHECK (ended_by <> ''),
    created_at          timestamptz NOT NULL
);

CREATE TABLE limitation_event_withdrawals (
    limitation_event_id text        PRIMARY KEY REFERENCES limitation_events,
    withdrawn_by        text        NOT NULL CHECK (withdrawn_by <> ''),
    reason              text        NOT NULL CHECK (reason <> ''),
    created_at          timestamptz NOT NULL
);

CREATE VIEW limitation_event_facts AS
SELECT e.limitation_event_id, e.customer_id, e.item_id, e.kind, e.event_date, n.end_date, e.evidence, e.source, e.recorded_by,
       e.record_date, coalesce(w.withdrawn_by, '')::text AS withdrawn_by, coalesce(w.reason, '')::text AS withdraw_reason
FROM limitation_events e
LEFT JOIN limitation_event_ends n USING (limitation_event_id)
LEFT JOIN limitation_event_withdrawals w USING (limitation_event_id);

-- A warning is given once: for one day of one object, so many days ahead of it (-1: the day had passed).
CREATE TABLE warnings (
    number       bigint      NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind         text        NOT NULL CHECK (kind IN ('LIMITATION', 'SECURITY', 'INSURANCE_NOTICE', 'INSURANCE_CLAIM', 'LEGAL', 'PLAN')),
    object_id    text        NOT NULL,
    last_date    date        NOT NULL,
    days_ahead   int         NOT NULL CHECK (days_ahead >= -1),
    customer_id  text        NOT NULL,
    owner        text        NOT NULL, -- empty: nobody was responsible
    currency     text        NOT NULL, -- empty: no amount
    amount       bigint      NOT NULL,
    text         text        NOT NULL,
    warning_date date        NOT NULL,
    late_days    int         NOT NULL CHECK (late_days >= 0),
    created_at   timestamptz NOT NULL,
    UNIQUE (kind, object_id, last_date, days_ahead)
);
CREATE INDEX warnings_customer_idx ON warnings (customer_id, number);
CREATE INDEX warnings_owner_idx    ON warnings (owner, number);

CREATE TABLE warning_acknowledgements (
    number           bigint      PRIMARY KEY REFERENCES warnings,
    acknowledged_by  text        NOT NULL CHECK (acknowledged_by <> ''),
    acknowledge_date date        NOT NULL,
    note             text        NOT NULL CHECK (note <> ''),
    created_at       timestamptz NOT NULL
);

-- Old open items are found by their due date, which goes with the order of posting.
CREATE INDEX items_due_idx ON items USING brin (due_date);

-- +goose StatementBegin
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['limitation_events', 'limitation_event_ends', 'limitation_event_withdrawals', 'warnings', 'warning_acknowledgements'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION refuse_change()', name || '_append_only', name);
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name || '_no_truncate', name);
    END LOOP;
END;
$$;
-- +goose StatementEnd

-- +goose Down
DROP INDEX items_due_idx;
DROP TABLE warning_acknowledgements, warnings;
DROP VIEW limitation_event_facts;
DROP TABLE limitation_event_withdrawals, limitation_event_ends, limitation_events;
