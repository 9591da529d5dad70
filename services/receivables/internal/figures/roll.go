package figures

// Settled is the target of a roll that is no bucket: collected, credited or written off.
const Settled = -1

// Roll is how much of what was open in one bucket at the start is in another at the end.
type Roll struct {
	From, To int // bucket numbers; To may be Settled
	Amount   int64
}

// RollRow is where the open amount of one bucket went.
type RollRow struct {
	Opening int64
	// To are the amounts by bucket at the end; Settled is what is not open any more.
	To      []int64
	Settled int64
}

// Rate is the share of the opening amount that is in a bucket at the end.
func (r RollRow) Rate(to int) Value {
	if to == Settled {
		return of(r.Settled, r.Opening, 1, NothingOpen)
	}
	return of(r.To[to], r.Opening, 1, NothingOpen)
}

// Worse is the share that moved on to a later bucket.
func (r RollRow) Worse(from int) Value {
	var sum int64
	for i := from + 1; i < len(r.To); i++ {
		sum += r.To[i]
	}
	return of(sum, r.Opening, 1, NothingOpen)
}

// RollRows puts rolls together, one row a bucket.
func RollRows(buckets int, rolls []Roll) []RollRow {
	rows := make([]RollRow, buckets)
	for i := range rows {
		rows[i].To = make([]int64, buckets)
	}
	for _, r := range rolls {
		row := &rows[r.From]
		row.Opening += r.Amount
		if r.To == Settled {
			row.Settled += r.Amount
		} else {
			row.To[r.To] += r.Amount
		}
	}
	return rows
}
