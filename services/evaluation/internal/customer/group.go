package customer

import (
	"slices"

	"github.com/avalcredit/aval/pkg/errs"
)

// Reasons of groups.
const (
	// ReasonGroupCycle: a group would be part of itself.
	ReasonGroupCycle = "GROUP_CYCLE"
	// ReasonGroupTooDeep: groups would be nested too deep.
	ReasonGroupTooDeep = "GROUP_TOO_DEEP"
)

// MaxGroupLevels is how deep groups may be nested, the root counted.
const MaxGroupLevels = 16

// Group is a corporate group under common control, or a part of one.
type Group struct {
	ID string `json:"group_id"`
	// ParentID is the group that it is part of; empty: a root.
	ParentID    string `json:"parent_group_id,omitempty"`
	DisplayName string `json:"display_name"`
	// RootID is the topmost group above it, itself for a root.
	RootID string `json:"root_group_id"`
	// Revision counts the changes, from 1.
	Revision int64 `json:"revision"`
}

// Tree holds for groups what each is part of; one that it does not hold is a root.
type Tree map[string]string

// Root returns the topmost group above one. The group of no group is none.
func (t Tree) Root(id string) string {
	// A tree has no cycle (Move), and the bound holds whatever it is made of.
	for range len(t) {
		parent := t[id]
		if parent == "" {
			return id
		}
		id = parent
	}
	return id
}

// Move makes a group part of another, or a root where parent is empty, and takes
// along what is below it. Errors: FailedPrecondition GROUP_CYCLE, GROUP_TOO_DEEP.
func (t Tree) Move(id, parent string) error {
	above := 0
	for at := parent; at != ""; at = t[at] {
		if at == id {
			return errs.New(errs.FailedPrecondition, ReasonGroupCycle,
				"group.parent_group_id: %s is part of %s, so %s cannot be part of it", parent, id, id).
				With("field", "group.parent_group_id").With("group_id", parent)
		}
		if above++; above > MaxGroupLevels {
			break
		}
	}
	if above+t.height(id) > MaxGroupLevels {
		return errs.New(errs.FailedPrecondition, ReasonGroupTooDeep,
			"group.parent_group_id: groups are nested %d levels at most", MaxGroupLevels).With("field", "group.parent_group_id")
	}
	t[id] = parent
	return nil
}

// height counts the levels from a group down, itself included.
func (t Tree) height(id string) int {
	level, deepest := []string{id}, 0
	for len(level) > 0 && deepest <= MaxGroupLevels {
		deepest++
		var next []string
		for child, parent := range t {
			if parent != "" && slices.Contains(level, parent) {
				next = append(next, child)
			}
		}
		level = next
	}
	return deepest
}
