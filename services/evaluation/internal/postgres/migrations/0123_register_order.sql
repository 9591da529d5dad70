-- Registers are read in the order of their numbers, whatever the length of these.

-- +goose Up
CREATE INDEX form_registers_order_idx ON form_registers (register, length(serial_number), serial_number, entry);

-- +goose Down
DROP INDEX form_registers_order_idx;
