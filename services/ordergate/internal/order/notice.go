package order

import "slices"

// NoticeUse is how much of a payment notice the goods that were shipped on it have used up, in minor units: a notice is worth its amount
// once. Money that comes later pays for those goods.
type NoticeUse struct {
	ID    string `json:"id"`
	Minor int64  `json:"minor"`
}

// UsedOf is what shipped goods have used up of a notice.
func (o Order) UsedOf(noticeID string) int64 {
	for _, u := range o.Notices {
		if u.ID == noticeID {
			return u.Minor
		}
	}
	return 0
}

// UseNotice records that goods were shipped on a notice.
func (o *Order) UseNotice(noticeID string, minor int64) {
	i := slices.IndexFunc(o.Notices, func(u NoticeUse) bool { return u.ID == noticeID })
	if i < 0 {
		o.Notices = append(o.Notices, NoticeUse{ID: noticeID, Minor: minor})
		return
	}
	o.Notices[i].Minor += minor
}

// DropNotice forgets a notice that stands no longer: what went on it is paid for by other money.
func (o *Order) DropNotice(noticeID string) {
	o.Notices = slices.DeleteFunc(o.Notices, func(u NoticeUse) bool { return u.ID == noticeID })
}

// freeNotices gives back what goods that came back have used up, the newest notice first.
func (o *Order) freeNotices(minor int64) {
	for i := len(o.Notices) - 1; i >= 0 && minor > 0; i-- {
		back := min(minor, o.Notices[i].Minor)
		o.Notices[i].Minor -= back
		minor -= back
	}
}
