package ledger

import (
	"bytes"
	"fmt"
)

// Walker walks the ledgers of customers in order and reports what does not fit.
type Walker struct {
	link     Link
	customer string
	head     Head
	entries  map[int64]Entry
	// Chains and Entries count what was walked.
	Chains, Entries int64
}

// NewWalker returns a walker that recomputes hashes with link.
func NewWalker(link Link) *Walker { return &Walker{link: link} }

// Step takes the next stored entry, by customer and sequence, with the digest of its
// document as it is stored now. It returns what is wrong with it, in words.
func (w *Walker) Step(e Entry, documentDigest []byte) []string {
	if e.CustomerID != w.customer {
		w.customer, w.Chains = e.CustomerID, w.Chains+1
		w.head = Head{Hash: make([]byte, HashSize), Balance: e.Balance.Sub(e.Balance)}
		w.entries = map[int64]Entry{}
	}
	w.Entries++
	problems := w.check(e, documentDigest)
	w.head = Head{Sequence: e.Sequence, Balance: e.Balance, Hash: e.Hash}
	w.entries[e.Sequence] = Entry{DocumentID: e.DocumentID, Amount: e.Amount}
	return problems
}

// HashSize is the length of a chain's hash in bytes.
const HashSize = 32

func (w *Walker) check(e Entry, digest []byte) []string {
	var out []string
	if e.Sequence != w.head.Sequence+1 {
		out = append(out, fmt.Sprintf("entry %d follows entry %d", e.Sequence, w.head.Sequence))
	}
	if !bytes.Equal(e.Prev, w.head.Hash) {
		out = append(out, "is not linked to the entry before it")
	}
	if !bytes.Equal(w.link(e.Prev, e.Canonical()), e.Hash) {
		out = append(out, "content does not give the hash")
	}
	if !Balanced(e.Lines) || receivable(e.Lines) != e.Amount {
		out = append(out, "lines do not balance with the entry")
	}
	if e.Balance.Currency != w.head.Balance.Currency || e.Balance.Minor != w.head.Balance.Minor+e.Amount.Minor {
		out = append(out, "balance is not the one before plus the amount")
	}
	if !bytes.Equal(e.DocumentDigest, digest) {
		out = append(out, "document "+e.DocumentID+" is not the one that was posted")
	}
	if e.Kind == KindReversal {
		r, ok := w.entries[e.Reverses]
		if !ok || r.DocumentID != e.DocumentID || r.Amount.Minor != -e.Amount.Minor {
			out = append(out, fmt.Sprintf("does not take back entry %d", e.Reverses))
		}
	}
	return out
}

// Tail compares the last entry walked of a customer with the head kept beside it.
func (w *Walker) Tail(customerID string, head Head) []string {
	last := w.head
	if customerID != w.customer {
		last = Head{Hash: make([]byte, HashSize)}
	}
	if last.Sequence != head.Sequence || !bytes.Equal(last.Hash, head.Hash) {
		return []string{fmt.Sprintf("ends at entry %d, but %d were posted", last.Sequence, head.Sequence)}
	}
	if last.Sequence > 0 && last.Balance != head.Balance {
		return []string{"balance of the account differs from its last entry"}
	}
	return nil
}
