-- Letters by electronic mail (pkg/mail): what is to be sent never changes; the queue says how far each is.

-- +goose Up

CREATE TABLE mail_messages (
    message_key text        PRIMARY KEY CHECK (message_key <> ''),
    sender      text        NOT NULL, -- empty: the relay's
    recipients  text[]      NOT NULL CHECK (cardinality(recipients) > 0),
    copies      text[]      NOT NULL,
    reply_to    text        NOT NULL,
    subject     text        NOT NULL,
    body        text        NOT NULL,
    digest      bytea       NOT NULL CHECK (length(digest) = 32),
    created_at  timestamptz NOT NULL
);

CREATE TABLE mail_attachments (
    message_key  text     NOT NULL REFERENCES mail_messages,
    position     smallint NOT NULL CHECK (position > 0),
    name         text     NOT NULL,
    content_type text     NOT NULL,
    content      bytea    NOT NULL,
    PRIMARY KEY (message_key, position)
);

-- A message is SENDING from before the server hears of it until the outcome is known. One whose sender died in between
-- is UNCERTAIN: it is not sent again unless somebody says so.
CREATE TABLE mail_queue (
    message_key     text        PRIMARY KEY REFERENCES mail_messages,
    state           text        NOT NULL CHECK (state IN ('QUEUED', 'SENDING', 'SENT', 'FAILED', 'UNCERTAIN', 'CANCELLED')),
    attempts        int         NOT NULL DEFAULT 0,
    refusals        int         NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL,
    claim           text        NOT NULL DEFAULT '',
    claimed_until   timestamptz,
    sent_at         timestamptz,
    last_error      text        NOT NULL DEFAULT '',
    updated_at      timestamptz NOT NULL,
    CHECK ((state = 'SENDING') = (claimed_until IS NOT NULL)),
    CHECK ((state = 'SENT') = (sent_at IS NOT NULL))
) WITH (fillfactor = 80);
CREATE INDEX mail_queue_due_idx     ON mail_queue (next_attempt_at, message_key) WHERE state = 'QUEUED';
CREATE INDEX mail_queue_sending_idx ON mail_queue (claimed_until) WHERE state = 'SENDING';
CREATE INDEX mail_queue_stuck_idx   ON mail_queue (state, updated_at) WHERE state IN ('FAILED', 'UNCERTAIN');

-- +goose StatementBegin
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['mail_messages', 'mail_attachments'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION refuse_change()', name || '_append_only', name);
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name || '_no_truncate', name);
    END LOOP;
    CREATE TRIGGER mail_queue_stay BEFORE DELETE ON mail_queue FOR EACH ROW EXECUTE FUNCTION refuse_change();
    CREATE TRIGGER mail_queue_no_truncate BEFORE TRUNCATE ON mail_queue FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
END;
$$;
-- +goose StatementEnd

-- +goose Down
DROP TABLE mail_queue, mail_attachments, mail_messages;
