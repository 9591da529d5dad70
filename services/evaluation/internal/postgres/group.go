package postgres

import (
	"context"

	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/evaluation/internal/customer"
	"github.com/avalcredit/aval/services/evaluation/internal/postgres/db"
)

// LockGroups keeps the tree of groups as it is until the transaction ends; alone keeps
// others from reading it too. It is taken before any customer is locked.
func (s Store) LockGroups(ctx context.Context, alone bool) error {
	if alone {
		return pg.Err(s.q.LockGroupsAlone(ctx))
	}
	return pg.Err(s.q.LockGroups(ctx))
}

// Group returns a group, or NotFound GROUP_NOT_FOUND.
func (s Store) Group(ctx context.Context, id string) (customer.Group, error) {
	row, err := s.q.GetGroup(ctx, id)
	if err != nil {
		return customer.Group{}, notFound(err, ReasonGroupNotFound, "there is no group %s", id)
	}
	return groupOf(db.ListGroupsRow(row)), nil
}

// GroupsAround returns the groups above and below one, itself among them.
func (s Store) GroupsAround(ctx context.Context, id string) (customer.Tree, []string, error) {
	tree := customer.Tree{}
	above, err := s.q.GroupsAbove(ctx, id)
	if err != nil {
		return nil, nil, pg.Err(err)
	}
	for _, g := range above {
		tree[g.GroupID] = g.ParentID
	}
	rows, err := s.q.GroupsBelow(ctx, id)
	if err != nil {
		return nil, nil, pg.Err(err)
	}
	below := []string{id}
	for _, g := range rows {
		tree[g.GroupID] = g.ParentID
		if g.GroupID != id {
			below = append(below, g.GroupID)
		}
	}
	return tree, below, nil
}

// GroupRoot returns the topmost group above one, itself where nobody described it.
func (s Store) GroupRoot(ctx context.Context, id string) (string, error) {
	above, err := s.q.GroupsAbove(ctx, id)
	if err != nil {
		return "", pg.Err(err)
	}
	tree := customer.Tree{}
	for _, g := range above {
		tree[g.GroupID] = g.ParentID
	}
	return tree.Root(id), nil
}

// PutGroup writes a group whole.
func (s Store) PutGroup(ctx context.Context, g customer.Group) error {
	var parent *string
	if g.ParentID != "" {
		parent = &g.ParentID
	}
	return pg.Err(s.q.PutGroup(ctx, db.PutGroupParams{GroupID: g.ID, ParentID: parent, DisplayName: g.DisplayName, Revision: g.Revision}))
}

// Groups returns groups after an id, in order, without their roots.
func (s Store) Groups(ctx context.Context, after string, most int) ([]customer.Group, error) {
	rows, err := s.q.ListGroups(ctx, db.ListGroupsParams{After: after, Most: int32(most)}) //nolint:gosec // a page
	if err != nil {
		return nil, pg.Err(err)
	}
	groups := make([]customer.Group, len(rows))
	for i, r := range rows {
		groups[i] = groupOf(r)
	}
	return groups, nil
}

// GroupMembers returns the customers of groups that another root is noted for, in order, at most so many.
func (s Store) GroupMembers(ctx context.Context, groups []string, root string, most int) ([]string, error) {
	ids, err := s.q.GroupMembers(ctx, db.GroupMembersParams{GroupIds: groups, RootGroupID: root, Most: int32(most)}) //nolint:gosec // bounded
	return ids, pg.Err(err)
}

func groupOf(r db.ListGroupsRow) customer.Group {
	return customer.Group{ID: r.GroupID, ParentID: r.ParentID, DisplayName: r.DisplayName, Revision: r.Revision}
}
