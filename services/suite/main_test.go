package suite_test

import (
	"testing"

	"github.com/avalcredit/aval/pkg/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }
