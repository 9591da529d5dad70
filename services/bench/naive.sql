\set id random(1, :customers)
\set amount random(100, 10100)
\set a random(1, 9000000000000000000)
BEGIN;
SELECT limit_minor, receivable_minor, reserved_minor, seq FROM account WHERE id = :id FOR UPDATE \gset
INSERT INTO orders (order_id, request_id, account_id, state, doc) VALUES (:client_id::text || '-' || :a::text, :client_id::text || '-' || :a::text, :id, CASE WHEN :receivable_minor::bigint + :reserved_minor::bigint + :amount::bigint <= :limit_minor::bigint THEN 'APPROVED' ELSE 'HELD' END, rpad('{"id":', :doc, '"O1","customer_id":"C1",'));
INSERT INTO decision (account_id, seq, order_id, record, hash) SELECT :id, :seq::bigint + 1, :client_id::text || '-' || :a::text, r, sha256(convert_to(r, 'UTF8')) FROM rpad('{"rules":', :record, '{"rule":"limit","outcome":"PASS"},') AS r;
UPDATE account SET reserved_minor = reserved_minor + :amount, seq = seq + 1 WHERE id = :id;
COMMIT;
