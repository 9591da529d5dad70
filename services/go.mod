module github.com/avalcredit/aval/services

go 1.26.0

require (
	github.com/avalcredit/aval/pkg v0.0.0
	github.com/avalcredit/aval/proto v0.0.0
)

replace (
	github.com/avalcredit/aval/pkg => ../pkg
	github.com/avalcredit/aval/proto => ../proto
)
