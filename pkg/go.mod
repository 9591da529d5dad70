module github.com/avalcredit/aval/pkg

go 1.26.0

require github.com/avalcredit/aval/proto v0.0.0

replace github.com/avalcredit/aval/proto => ../proto
