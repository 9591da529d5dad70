package delivery

import "github.com/jackc/pgx/v5"

// queueSQL is Append as one statement; one event of a customer in each, since a row is moved on once in a statement.
const queueSQL = `WITH head AS (
		INSERT INTO outbox_heads (stream, customer_id, last_seq) VALUES ($1, $2, 1)
		ON CONFLICT (stream, customer_id) DO UPDATE SET last_seq = outbox_heads.last_seq + 1
		RETURNING last_seq)
	INSERT INTO outbox (stream, customer_id, seq, payload) SELECT $1, $2, last_seq, $3 FROM head`

// Queue is Append for a transaction that goes to the database in one piece: the payload cannot state its sequence, which Send gets
// with the event. Events of several customers are queued in the order of customers, so that two transactions never wait for each
// other.
func Queue(b *pgx.Batch, stream, customerID string, payload []byte) {
	b.Queue(queueSQL, stream, customerID, payload)
}
