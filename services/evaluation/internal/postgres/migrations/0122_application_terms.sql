-- Forms with conditions wait for them; applicants take forms back; signers make counter-offers.

-- +goose Up
ALTER TABLE applications DROP CONSTRAINT applications_state_check;
ALTER TABLE applications ADD CONSTRAINT applications_state_check
    CHECK (state IN ('DRAFT', 'PENDING', 'RETURNED', 'APPROVED', 'REJECTED', 'CONDITIONAL', 'WITHDRAWN'));
ALTER TABLE applications DROP CONSTRAINT applications_check;
-- A draft that was taken back never had a number.
ALTER TABLE applications ADD CONSTRAINT applications_numbered
    CHECK (state IN ('DRAFT', 'WITHDRAWN') OR serial_number IS NOT NULL);
DROP INDEX applications_pending_idx;
CREATE INDEX applications_waiting_idx ON applications USING gin (next_roles) WHERE state IN ('PENDING', 'CONDITIONAL');

ALTER TABLE form_registers DROP CONSTRAINT form_registers_event_check;
ALTER TABLE form_registers ADD CONSTRAINT form_registers_event_check
    CHECK (event IN ('SUBMIT', 'APPROVE', 'REJECT', 'RETURN', 'OFFER', 'WITHDRAW', 'GRANT'));

-- +goose Down
-- What stands in forms and registers by then stays: the narrower checks hold for new rows only.
DROP INDEX applications_waiting_idx;
CREATE INDEX applications_pending_idx ON applications USING gin (next_roles) WHERE state = 'PENDING';
ALTER TABLE applications DROP CONSTRAINT applications_state_check;
ALTER TABLE applications ADD CONSTRAINT applications_state_check
    CHECK (state IN ('DRAFT', 'PENDING', 'RETURNED', 'APPROVED', 'REJECTED')) NOT VALID;
ALTER TABLE applications DROP CONSTRAINT applications_numbered;
ALTER TABLE applications ADD CONSTRAINT applications_check CHECK (state = 'DRAFT' OR serial_number IS NOT NULL) NOT VALID;
ALTER TABLE form_registers DROP CONSTRAINT form_registers_event_check;
ALTER TABLE form_registers ADD CONSTRAINT form_registers_event_check
    CHECK (event IN ('SUBMIT', 'APPROVE', 'REJECT', 'RETURN')) NOT VALID;
