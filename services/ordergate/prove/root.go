package prove

import (
	"math"
	"slices"
)

// root is the model of accounts that share a limit, or of one alone: whatever happens in it stands in one order, that of the entries of
// the group's journal, or of the account's own.
type root struct {
	group   string // empty: one account alone
	seq     int64  // newest entry
	limit   int64  // of the group
	members []account
	passive bool // the gate does not judge held orders again by itself
}

func (r root) index(name string) int {
	return slices.IndexFunc(r.members, func(a account) bool { return a.name == name })
}

// member is an account with what the group leaves it.
func (r root) member(i int) account {
	a := r.members[i]
	a.room, a.place = math.MaxInt64, r.seq+1
	if r.group == "" {
		return a
	}
	a.room = r.limit
	for n, other := range r.members {
		if n != i {
			a.room -= other.exposure()
		}
	}
	return a
}

// with takes an account as it is after entries of its own.
func (r root) with(i int, a account) root {
	r.seq += a.seq - r.members[i].seq
	r.members = slices.Clone(r.members)
	r.members[i] = a
	return r
}

// apply gives the root after the call and what the caller must have been told.
func (r root) apply(c Call, told Answer) (root, expected) {
	if c.Kind == GroupLimit {
		r.limit = c.Limit
		r.seq++
		return r.judgeHeld(), expected{}
	}
	i := r.index(c.Account)
	if i < 0 {
		return r, expected{refused: "MODEL_NO_SUCH_ACCOUNT"}
	}
	before := r.member(i)
	after, want := before.apply(c, told)
	if after.seq == before.seq {
		return r, want
	}
	r = r.with(i, after)
	switch c.Kind {
	case Limit, Position, Amend, Cancel:
		r = r.judgeHeld()
	case Ship:
		if c.Final {
			r = r.judgeHeld()
		}
	case Submit, Approve, Read, GroupLimit: // these free nothing
	}
	return r, want
}

// judgeHeld approves held orders that fit by now, the oldest of all members first, each in an entry of its own.
func (r root) judgeHeld() root {
	if r.passive {
		return r
	}
	type waits struct {
		member int
		order  string
		since  int64
	}
	var held []waits
	for i, a := range r.members {
		for _, g := range a.orders {
			if g.held {
				held = append(held, waits{i, g.id, g.since})
			}
		}
	}
	slices.SortFunc(held, func(x, y waits) int { return int(x.since - y.since) })
	for _, w := range held {
		a := r.member(w.member)
		n, g := a.order(w.order)
		if a.fits(a.exposure()+g.open()) || g.covered() {
			g.held, g.reserved = false, g.open()
			a = a.put(n, g)
			a.seq++
			r = r.with(w.member, a)
		}
	}
	return r
}

// legal says whether the operation may happen now with the answer that was given, and the root after it.
func (r root) legal(op *Operation) (bool, root) {
	next, want := r.apply(op.Call, op.Answer)
	if op.Place != 0 && op.Kind != Read && (want.refused != "" || op.Place != r.seq+1) {
		return false, r
	}
	if !op.Known {
		return want.refused == "", next
	}
	got := op.Answer
	if got.Refused != "" || want.refused != "" {
		return got.Refused == want.refused, r
	}
	if op.Kind == Limit || op.Kind == Position || op.Kind == GroupLimit {
		return true, next
	}
	seq := r.members[r.index(op.Account)].seq
	if op.Kind == Read {
		return got.Seq == seq && got.Exposure == want.exposure && got.Limit == want.limit, r
	}
	return got.Seq == seq+1 && got.State == want.state && got.Reserved == want.reserved &&
		(!want.decided || got.Decided && got.Before == want.before && got.After == want.after && (r.group == "" || got.Shared == r.seq)), next
}

func (r root) equal(other root) bool {
	return r.seq == other.seq && r.limit == other.limit && slices.EqualFunc(r.members, other.members, account.equal)
}

func (r root) exposure() (sum int64) {
	for _, a := range r.members {
		sum += a.exposure()
	}
	return sum
}
