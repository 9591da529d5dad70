package app

import (
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/postgres"
)

// generation bounds the accounts that a shard remembers: two generations of this many.
const generation = 32768

// heads remembers the newest state of accounts. It may be behind: a write that stands on an old state loses the race for the journal's
// next number and is decided again, and a refusal is never given on a remembered state.
type heads struct {
	young, old map[postgres.Key]account.Account
}

func newHeads() *heads { return &heads{young: map[postgres.Key]account.Account{}} }

func (h *heads) get(k postgres.Key) (account.Account, bool) {
	if a, ok := h.young[k]; ok {
		return a, true
	}
	a, ok := h.old[k]
	if ok {
		h.put(k, a)
	}
	return a, ok
}

func (h *heads) put(k postgres.Key, a account.Account) {
	if len(h.young) >= generation {
		h.old, h.young = h.young, make(map[postgres.Key]account.Account, generation)
	}
	h.young[k] = a
}

func (h *heads) dropAll(accounts map[postgres.Key]account.Account) {
	for k := range accounts {
		h.drop(k)
	}
}

func (h *heads) drop(k postgres.Key) {
	delete(h.young, k)
	delete(h.old, k)
}
