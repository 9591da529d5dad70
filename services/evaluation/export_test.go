package evaluation

import "github.com/avalcredit/aval/services/evaluation/internal/app"

// App shows the use cases to the tests of this package.
func (s *Service) App() *app.App { return s.app }

// Runs shows the runs over all customers to the tests of this package.
func (s *Service) Runs() *app.Portfolio { return s.runs }
