-- The tables of the building blocks (pkg/idem, serial, audit, delivery, policy),
-- made in each phase's own schema. Names are unqualified: search_path decides.

-- +goose Up

-- refuse_change makes a table append-only; the phases' migrations use it too.
-- +goose StatementBegin
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege';
END;
$$;
-- +goose StatementEnd

-- First answers of writes, by request id. result is json, not jsonb: the text stays as written.
CREATE TABLE idempotency (
    request_id text        PRIMARY KEY,
    method     text        NOT NULL,
    body_hash  bytea       NOT NULL,
    result     json,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX idempotency_created_idx ON idempotency (created_at);

-- Gap-free numbers: the row is locked until the user of a number commits.
CREATE TABLE serials (
    series     text   PRIMARY KEY,
    last_value bigint NOT NULL CHECK (last_value > 0)
);

-- Who did what. Hash-chained per stream; audit_heads orders a stream's writers
-- and lets a missing tail be noticed.
CREATE TABLE audit_events (
    stream        text        NOT NULL,
    seq           bigint      NOT NULL CHECK (seq > 0),
    at            timestamptz NOT NULL,
    business_date date,
    actor         text        NOT NULL CHECK (actor <> ''),
    action        text        NOT NULL CHECK (action <> ''),
    subject       text        NOT NULL,
    detail        json        NOT NULL,
    prev          bytea       NOT NULL CHECK (length(prev) = 32),
    hash          bytea       NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (stream, seq)
);
CREATE INDEX audit_events_at_idx      ON audit_events (at, stream, seq);
CREATE INDEX audit_events_subject_idx ON audit_events (subject, at);
CREATE INDEX audit_events_actor_idx   ON audit_events (actor, at);
CREATE TRIGGER audit_events_append_only BEFORE UPDATE OR DELETE ON audit_events
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_events_no_truncate BEFORE TRUNCATE ON audit_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE audit_heads (
    stream   text   PRIMARY KEY,
    last_seq bigint NOT NULL CHECK (last_seq > 0),
    hash     bytea  NOT NULL CHECK (length(hash) = 32)
);
CREATE TRIGGER audit_heads_stay BEFORE DELETE ON audit_heads
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_heads_no_truncate BEFORE TRUNCATE ON audit_heads
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Events for another phase: payloads never change, heads say how far delivery is.
CREATE TABLE outbox_heads (
    stream          text   NOT NULL,
    customer_id     text   NOT NULL,
    last_seq        bigint NOT NULL CHECK (last_seq > 0),
    acked_seq       bigint NOT NULL DEFAULT 0 CHECK (acked_seq >= 0),
    claimed_by      text,
    claimed_until   timestamptz,
    attempts        int    NOT NULL DEFAULT 0,
    next_attempt_at timestamptz,
    last_error      text,
    PRIMARY KEY (stream, customer_id),
    CHECK (acked_seq <= last_seq)
);
CREATE INDEX outbox_heads_pending_idx ON outbox_heads (stream, next_attempt_at NULLS FIRST)
    WHERE acked_seq < last_seq;

CREATE TABLE outbox (
    stream      text        NOT NULL,
    customer_id text        NOT NULL,
    seq         bigint      NOT NULL CHECK (seq > 0),
    payload     bytea       NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (stream, customer_id, seq)
);
CREATE TRIGGER outbox_append_only BEFORE UPDATE OR DELETE ON outbox
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER outbox_no_truncate BEFORE TRUNCATE ON outbox
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What this phase has applied of another's events.
CREATE TABLE inbox_heads (
    stream      text   NOT NULL,
    customer_id text   NOT NULL,
    last_seq    bigint NOT NULL CHECK (last_seq >= 0),
    PRIMARY KEY (stream, customer_id)
);

-- Versions of the phase's policy. What a version says never changes; the only
-- update is the signature.
CREATE TABLE policies (
    version        bigint      PRIMARY KEY CHECK (version > 0),
    state          text        NOT NULL CHECK (state IN ('BUILT_IN', 'DRAFT', 'SIGNED')),
    spec           bytea       NOT NULL,
    yaml           text        NOT NULL,
    comment        text        NOT NULL DEFAULT '',
    created_by     text        NOT NULL CHECK (created_by <> ''),
    created_at     timestamptz NOT NULL,
    prev           bytea       NOT NULL CHECK (length(prev) = 32),
    hash           bytea       NOT NULL CHECK (length(hash) = 32),
    effective_from date,
    signed_by      text,
    signed_at      timestamptz,
    CHECK ((state = 'DRAFT') = (effective_from IS NULL)),
    CHECK ((state = 'SIGNED') = (signed_by IS NOT NULL AND signed_at IS NOT NULL)),
    CHECK (signed_by <> created_by)
);
CREATE INDEX policies_in_force_idx ON policies (effective_from, version) WHERE state <> 'DRAFT';

-- +goose StatementBegin
CREATE FUNCTION policies_sign_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state = 'DRAFT' AND NEW.state = 'SIGNED'
        AND (OLD.version, OLD.spec, OLD.yaml, OLD.comment, OLD.created_by, OLD.created_at, OLD.prev, OLD.hash)
          = (NEW.version, NEW.spec, NEW.yaml, NEW.comment, NEW.created_by, NEW.created_at, NEW.prev, NEW.hash)
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'policies: only signing a draft is allowed' USING ERRCODE = 'insufficient_privilege';
END;
$$;
-- +goose StatementEnd
CREATE TRIGGER policies_sign_only BEFORE UPDATE ON policies
    FOR EACH ROW EXECUTE FUNCTION policies_sign_only();
CREATE TRIGGER policies_stay BEFORE DELETE ON policies
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER policies_no_truncate BEFORE TRUNCATE ON policies
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- +goose Down
DROP TABLE policies;
DROP FUNCTION policies_sign_only();
DROP TABLE inbox_heads, outbox, outbox_heads, audit_heads, audit_events, serials, idempotency;
DROP FUNCTION refuse_change();
