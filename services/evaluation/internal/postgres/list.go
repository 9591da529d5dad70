package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/evaluation/internal/customer"
)

// CustomerQuery asks for a page of customers.
type CustomerQuery struct {
	// Salesperson bounds the list to customers of one person; empty: all.
	Salesperson string
	// Filter is a further condition; nil: none.
	Filter *customer.Filter
	Order  customer.Order
	// After is the sort key of the last row before the page: the value of the order's
	// field and the customer_id; nil: the first page.
	After []string
	Size  int
}

// Customers returns a page in order.
func (s Store) Customers(ctx context.Context, q CustomerQuery) ([]customer.Customer, error) {
	b := statement{}
	b.where("($%d = '' OR salesperson_id = $%d)", b.arg(q.Salesperson))
	if q.Filter != nil {
		cond, err := b.filter(*q.Filter)
		if err != nil {
			return nil, err
		}
		b.conditions = append(b.conditions, cond)
	}
	column, err := orderColumn(q.Order.Field)
	if err != nil {
		return nil, err
	}
	compare, direction := ">", "ASC"
	if q.Order.Descending {
		compare, direction = "<", "DESC"
	}
	if q.After != nil {
		var key any = q.After[0]
		if column == "create_time" {
			if key, err = time.Parse(time.RFC3339Nano, q.After[0]); err != nil {
				return nil, errs.Field("page_token", "page_token", "does not belong here")
			}
		}
		k, id := b.arg(key), b.arg(q.After[1])
		b.conditions = append(b.conditions, fmt.Sprintf("(%s, customer_id) %s ($%d, $%d)", column, compare, k, id))
	}
	size := b.arg(q.Size)
	sql := "SELECT file FROM customers WHERE " + strings.Join(b.conditions, " AND ") +
		fmt.Sprintf(" ORDER BY %s %s, customer_id %s LIMIT $%d", column, direction, direction, size)
	rows, err := s.raw.Query(ctx, sql, b.args...)
	if err != nil {
		return nil, pg.Err(err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (c customer.Customer, err error) {
		var file []byte
		if err := row.Scan(&file); err != nil {
			return c, err
		}
		return c, json.Unmarshal(file, &c)
	})
	return found, pg.Err(err)
}

// statement collects conditions made of constant text and numbered arguments: what a
// caller wrote only ever becomes an argument.
type statement struct {
	conditions []string
	args       []any
}

func (b *statement) arg(v any) int {
	b.args = append(b.args, v)
	return len(b.args)
}

func (b *statement) where(format string, n int) {
	b.conditions = append(b.conditions, fmt.Sprintf(format, n, n))
}

func (b *statement) filter(f customer.Filter) (string, error) {
	switch f.Op {
	case customer.And, customer.Or, customer.Not:
		parts := make([]string, 0, len(f.Args))
		for _, a := range f.Args {
			part, err := b.filter(a)
			if err != nil {
				return "", err
			}
			parts = append(parts, part)
		}
		if f.Op == customer.Not {
			return "(NOT " + parts[0] + ")", nil
		}
		return "(" + strings.Join(parts, " "+string(f.Op)+" ") + ")", nil
	default: // a comparison
	}
	column, err := filterColumn(f.Field)
	if err != nil {
		return "", err
	}
	n := b.arg(f.Value)
	switch f.Op {
	case customer.Equal, customer.Less, customer.LessEqual, customer.Greater, customer.GreaterEqual:
		return fmt.Sprintf("(%s %s $%d)", column, string(f.Op), n), nil
	case customer.NotEqual:
		return fmt.Sprintf("(%s <> $%d)", column, n), nil
	case customer.Has:
		return fmt.Sprintf("(position(lower($%d) IN lower(%s)) > 0)", n, column), nil
	default:
		return "", errs.Field("filter", "operator", "does not know %s", f.Op)
	}
}

// filterColumn maps a field of the contract to its column.
func filterColumn(field string) (string, error) {
	for _, f := range customer.FilterFields() {
		if f == field {
			return f, nil
		}
	}
	return "", errs.Field("filter", "field", "there is no field %.64q to filter by", field)
}

func orderColumn(field string) (string, error) {
	switch field {
	case "customer_id", "display_name", "create_time":
		return field, nil
	default:
		return "", errs.Field("order_by", "field", "there is no order by %.64q", field)
	}
}
