package postgres

import (
	"context"
	"encoding/json"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/evaluation/internal/application"
	"github.com/avalcredit/aval/services/evaluation/internal/postgres/db"
)

// InsertApplication writes a draft; one with the same id gives AlreadyExists APPLICATION_EXISTS.
func (s Store) InsertApplication(ctx context.Context, a application.Application) error {
	body, err := json.Marshal(a)
	if err != nil {
		return err
	}
	err = s.q.InsertApplication(ctx, db.InsertApplicationParams{
		ApplicationID: a.ID, CustomerID: a.CustomerID, State: string(a.State),
		NextRoles: nextRoles(a), Involved: involved(a), Body: body,
	})
	if pg.IsUnique(err, "applications_pkey") {
		return errs.New(errs.AlreadyExists, "APPLICATION_EXISTS", "there is an application %s already", a.ID)
	}
	return pg.Err(err)
}

// UpdateApplication writes the changed form of a locked application.
func (s Store) UpdateApplication(ctx context.Context, a application.Application) error {
	body, err := json.Marshal(a)
	if err != nil {
		return err
	}
	var serial *string
	if a.SerialNumber != "" {
		serial = &a.SerialNumber
	}
	return pg.Err(s.q.UpdateApplication(ctx, db.UpdateApplicationParams{
		ApplicationID: a.ID, State: string(a.State), SerialNumber: serial,
		NextRoles: nextRoles(a), Involved: involved(a), Body: body, LateAfter: a.LateAfter(),
	}))
}

// LateApplications are forms whose open step is late on a day and is to go to a further role, at most so many.
func (s Store) LateApplications(ctx context.Context, day calendar.Date, most int) ([]string, error) {
	ids, err := s.q.LateApplications(ctx, db.LateApplicationsParams{Today: day, Most: int32(most)}) //nolint:gosec // a batch
	return ids, pg.Err(err)
}

// nextRoles are those of the next step, or of who confirms conditions.
func nextRoles(a application.Application) []string {
	if a.State == application.Conditional {
		return application.ConditionConfirmers()
	}
	if roles := a.Form.NextRoles(); len(roles) > 0 && a.State == application.Pending {
		return roles
	}
	return []string{}
}

// involved are the people who may not take part in what is next.
func involved(a application.Application) []string {
	people := []string{a.Applicant}
	if a.State == application.Conditional {
		if only, one := a.SoleSetter(); one {
			people = append(people, only)
		}
		return people
	}
	for _, act := range a.Form.Acts {
		people = append(people, act.Subject)
		if act.For != "" {
			people = append(people, act.For)
		}
	}
	return people
}

// Application returns a form and the salesperson of its customer, or NotFound APPLICATION_NOT_FOUND.
func (s Store) Application(ctx context.Context, id string) (a application.Application, salesperson string, err error) {
	row, err := s.q.GetApplication(ctx, id)
	if err != nil {
		return a, "", ApplicationNotFound(id, err)
	}
	return a, row.SalespersonID, json.Unmarshal(row.Body, &a)
}

// LockApplication returns a form and holds off other writers until the transaction ends.
func (s Store) LockApplication(ctx context.Context, id string) (a application.Application, err error) {
	body, err := s.q.LockApplication(ctx, id)
	if err != nil {
		return a, ApplicationNotFound(id, err)
	}
	return a, json.Unmarshal(body, &a)
}

// ApplicationNotFound is the error for a form that is not there, or not for the
// caller; another error of the database stays what it is.
func ApplicationNotFound(id string, err error) error {
	return notFound(err, ReasonApplicationNotFound, "there is no credit application %s", id)
}

// ApplicationQuery asks for a page of forms, newest first.
type ApplicationQuery struct {
	// Before is the number of the row before the page.
	Before int64
	// CustomerID, State and Salesperson bound the list; empty: all.
	CustomerID, State, Salesperson string
	// Waiting bounds it to forms whose next step the person may take.
	Waiting bool
	Subject string
	Roles   []string
	// Today is the day on which they would act in the seats of others.
	Today calendar.Date
	Size  int
}

// Listed is a form with its place in the list.
type Listed struct {
	Application application.Application
	Number      int64
}

// Applications returns a page.
func (s Store) Applications(ctx context.Context, q ApplicationQuery) ([]Listed, error) {
	rows, err := s.q.ListApplications(ctx, db.ListApplicationsParams{
		BeforeNumber: q.Before, CustomerID: q.CustomerID, State: q.State, SalespersonID: q.Salesperson,
		Waiting: q.Waiting, Roles: q.Roles, Subject: q.Subject, Today: q.Today, Most: int32(q.Size), //nolint:gosec // a page
	})
	if err != nil {
		return nil, pg.Err(err)
	}
	found := make([]Listed, len(rows))
	for i, row := range rows {
		found[i].Number = row.Number
		if err := json.Unmarshal(row.Body, &found[i].Application); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// File adds an entry to both registers: the settlement desk's and the sales head's.
func (s Store) File(ctx context.Context, a application.Application, event, actor string, day calendar.Date) error {
	form, err := json.Marshal(a)
	if err != nil {
		return err
	}
	return pg.Err(s.q.FileForm(ctx, db.FileFormParams{
		SerialNumber: a.SerialNumber, ApplicationID: a.ID, CustomerID: a.CustomerID,
		Event: event, Actor: actor, FiledOn: day, Form: form,
	}))
}
