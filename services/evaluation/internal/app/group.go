package app

import (
	"context"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/page"
	"github.com/avalcredit/aval/services/evaluation/internal/customer"
	"github.com/avalcredit/aval/services/evaluation/internal/postgres"
)

// ReasonGroupTooLarge: more customers would move at once than one transaction carries.
const ReasonGroupTooLarge = "GROUP_TOO_LARGE"

const (
	// maxMoved bounds how many customers a group takes along.
	maxMoved = 2000
	// flushed bounds how many of them are told of in the call; the relay tells of the others.
	flushed = 20
)

// SetGroup is a group as written, and the customers whose topmost group changed.
type SetGroup struct {
	Group customer.Group `json:"group"`
	Moved []string       `json:"moved"`
}

// rootOf returns the topmost group above one and holds the tree until the transaction
// ends: the profile of a customer names the root that holds when it is written. It is
// taken before any customer is locked, as SetCustomerGroup takes it.
func rootOf(ctx context.Context, store postgres.Store, group string) (string, error) {
	if group == "" {
		return "", nil
	}
	if err := store.LockGroups(ctx, false); err != nil {
		return "", err
	}
	return store.GroupRoot(ctx, group)
}

// SetCustomerGroup writes a group whole and tells the other phases of every customer
// whose topmost group is another one now.
func (a *App) SetCustomerGroup(ctx context.Context, r idem.Request, g customer.Group) (SetGroup, error) {
	day := a.Clock.Today(ctx)
	res, err := write(ctx, a, r, func(ctx context.Context, tx pgx.Tx) (SetGroup, error) {
		store := postgres.New(tx)
		if err := store.LockGroups(ctx, true); err != nil {
			return SetGroup{}, err
		}
		last, err := store.Group(ctx, g.ID)
		if err != nil && errs.ReasonOf(err) != postgres.ReasonGroupNotFound {
			return SetGroup{}, err
		}
		if g.Revision != 0 && g.Revision != last.Revision {
			return SetGroup{}, errs.New(errs.Aborted, customer.ReasonRevisionConflict,
				"the group is at revision %d, not %d: read it again", last.Revision, g.Revision).
				With("revision", strconv.FormatInt(last.Revision, 10))
		}
		g.Revision = last.Revision + 1
		below, err := place(ctx, store, &g)
		if err != nil {
			return SetGroup{}, err
		}
		if err := store.PutGroup(ctx, g); err != nil {
			return SetGroup{}, err
		}
		moved, err := a.reroot(ctx, tx, below, g.RootID, day)
		if err != nil {
			return SetGroup{}, err
		}
		return SetGroup{Group: g, Moved: moved}, noteGroup(ctx, tx, g, day)
	})
	if err != nil {
		return SetGroup{}, err
	}
	for _, id := range res.Moved[:min(flushed, len(res.Moved))] {
		a.flush(ctx, id)
	}
	return res, nil
}

// place checks where a group is to stand, fills in its root, and returns the groups
// from it down.
func place(ctx context.Context, store postgres.Store, g *customer.Group) ([]string, error) {
	tree, below, err := store.GroupsAround(ctx, g.ID)
	if err != nil {
		return nil, err
	}
	if g.ParentID != "" {
		if _, err := store.Group(ctx, g.ParentID); err != nil {
			return nil, err
		}
		above, _, err := store.GroupsAround(ctx, g.ParentID)
		if err != nil {
			return nil, err
		}
		for id, parent := range above {
			tree[id] = parent
		}
	}
	if err := tree.Move(g.ID, g.ParentID); err != nil {
		return nil, err
	}
	g.RootID = tree.Root(g.ID)
	return below, nil
}

// reroot carries the topmost group into the files of all members of groups.
func (a *App) reroot(ctx context.Context, tx pgx.Tx, groups []string, root string, day calendar.Date) ([]string, error) {
	store := postgres.New(tx)
	members, err := store.GroupMembers(ctx, groups, root, maxMoved+1)
	if err != nil {
		return nil, err
	}
	if len(members) > maxMoved {
		return nil, errs.New(errs.FailedPrecondition, ReasonGroupTooLarge,
			"more than %d customers would move at once: move the parts of the group one by one", maxMoved)
	}
	moved := []string{}
	for _, id := range members {
		st, err := store.Lock(ctx, id)
		if err != nil {
			return nil, err
		}
		next := st.File
		next.RootGroupID = root
		if err := save(ctx, tx, st, change{file: next, day: day}); err != nil {
			return nil, err
		}
		moved = append(moved, id)
	}
	return moved, nil
}

// CustomerGroup returns a group with its root.
func (a *App) CustomerGroup(ctx context.Context, id string) (customer.Group, error) {
	store := a.store()
	g, err := store.Group(ctx, id)
	if err != nil {
		return g, err
	}
	g.RootID, err = store.GroupRoot(ctx, id)
	return g, err
}

// CustomerGroups lists groups by id, and the token of the next page.
func (a *App) CustomerGroups(ctx context.Context, size int32, token string) ([]customer.Group, string, error) {
	sum := page.Checksum("customer groups")
	parts, err := a.pages.Decode(token, sum, 1)
	if err != nil {
		return nil, "", err
	}
	after := ""
	if parts != nil {
		after = parts[0]
	}
	n := page.Size(size, defaultPage, maxPage)
	store := a.store()
	found, err := store.Groups(ctx, after, n+1)
	if err != nil {
		return nil, "", err
	}
	next := ""
	if len(found) > n {
		found = found[:n]
		next = a.pages.Encode(sum, found[n-1].ID)
	}
	for i := range found {
		if found[i].RootID, err = store.GroupRoot(ctx, found[i].ID); err != nil {
			return nil, "", err
		}
	}
	return found, next, nil
}
