package cashmatch_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/receivables/internal/cashmatch"
)

func cny(s string) money.Money {
	m, err := money.Parse("CNY", s)
	if err != nil {
		panic(err)
	}
	return m
}

func item(id, due, open string) cashmatch.Item {
	return cashmatch.Item{ID: id, DocumentID: id, Date: calendar.MustDate(due).AddDays(-30), DueDate: calendar.MustDate(due), Open: cny(open), Discount: cny("0")}
}

// Two customers with what they owe.
func voyager() cashmatch.Customer {
	discounted := item("INV-0005", "2026-04-30", "500.00")
	discounted.Discount = cny("10.00")
	ordered := item("INV-0004", "2026-03-31", "77.70")
	ordered.OrderID = "PO-88123"
	return cashmatch.Customer{
		ID: "C-10001", Name: "上海远航贸易有限公司", Names: []string{"Voyager Trading Ltd."}, Accounts: []string{"310066661018800012345"},
		Items: []cashmatch.Item{
			item("INV-0001", "2026-01-31", "1000.00"), item("INV-0002", "2026-02-10", "250.00"), item("INV-0003", "2026-02-28", "330.30"), ordered, discounted,
		},
	}
}

func harbour() cashmatch.Customer {
	return cashmatch.Customer{ID: "C-10002", Name: "Harbour Foods GmbH & Co. KG", Items: []cashmatch.Item{
		item("0000611365", "2026-02-01", "55.94"), item("0000611366", "2026-02-01", "1000.00"), item("0000700001", "2026-02-20", "55.94"),
	}}
}

func TestPropose(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		amount, text, payer, account string
		customer                     string // empty: no proposal
		shares                       string
		rest                         string
		reasons                      string
		score                        int
	}{
		"the number and the amount": {
			amount: "1000.00", text: "payment INV-0001", customer: "C-10001", shares: "INV-0001=1000.00", reasons: "ITEM_NAMED AMOUNT_OF_NAMED", score: 85,
		},
		"a number without its zeros": {
			amount: "55.94", text: "Rechnung 611365", customer: "C-10002", shares: "0000611365=55.94", reasons: "ITEM_NAMED AMOUNT_OF_NAMED", score: 85,
		},
		"a number torn apart": {
			amount: "250.00", text: "pay inv 0002 thanks", customer: "C-10001", shares: "INV-0002=250.00", reasons: "ITEM_NAMED AMOUNT_OF_NAMED", score: 85,
		},
		"two numbers, their sum": {
			amount: "1250.00", text: "INV-0001,INV-0002", payer: "上海远航贸易", customer: "C-10001", shares: "INV-0001=1000.00 INV-0002=250.00",
			reasons: "PAYER_NAME ITEM_NAMED AMOUNT_OF_NAMED", score: 100,
		},
		"a number that is nearly one": {
			amount: "55.94", text: "6l1365", payer: "HARBOUR FOODS", customer: "C-10002", shares: "0000611365=55.94",
			reasons: "PAYER_NAME SIMILAR_NUMBER AMOUNT_OF_NAMED", score: 90,
		},
		"the order's number": {
			amount: "77.70", text: "PO 88123", customer: "C-10001", shares: "INV-0004=77.70", reasons: "ORDER_NAMED AMOUNT_OF_NAMED", score: 70,
		},
		"less than what is named": {
			amount: "900.00", text: "INV-0001", customer: "C-10001", shares: "INV-0001=900.00", reasons: "ITEM_NAMED PART_OF_NAMED", score: 50,
		},
		"more than what is named": {
			amount: "1100.00", text: "INV-0001", customer: "C-10001", shares: "INV-0001=1000.00", rest: "100.00", reasons: "ITEM_NAMED MORE_THAN_NAMED", score: 50,
		},
		"one named, the rest is another": {
			amount: "1330.30", text: "INV-0001 and more", customer: "C-10001", shares: "INV-0001=1000.00 INV-0003=330.30",
			reasons: "SOME_NAMED ONE_AMOUNT", score: 55,
		},
		"with the discount": {
			amount: "490.00", text: "INV-0005", customer: "C-10001", shares: "INV-0005=490.00-10.00", reasons: "ITEM_NAMED AMOUNT_OF_NAMED LESS_DISCOUNT", score: 90,
		},
		"the account and one amount": {
			amount: "330.30", account: "310066661018800012345", customer: "C-10001", shares: "INV-0003=330.30", reasons: "PAYER_ACCOUNT ONE_AMOUNT", score: 70,
		},
		"the account, an amount less discount": {
			amount: "490.00", account: "310066661018800012345", customer: "C-10001", shares: "INV-0005=490.00-10.00",
			reasons: "PAYER_ACCOUNT ONE_AMOUNT LESS_DISCOUNT", score: 75,
		},
		"the name, the oldest in a row": {
			amount: "1580.30", payer: "Voyager Trading Limited", customer: "C-10001", shares: "INV-0001=1000.00 INV-0002=250.00 INV-0003=330.30",
			reasons: "PAYER_NAME OLDEST_AMOUNT", score: 65,
		},
		"the name in the text, all that is open": {
			amount: "1111.88", text: "Harbour Foods clears its account", customer: "C-10002", shares: "0000611365=55.94 0000611366=1000.00 0000700001=55.94",
			reasons: "NAME_IN_TEXT WHOLE_BALANCE", score: 55,
		},
		"one sum only": {
			amount: "830.30", account: "310066661018800012345", customer: "C-10001", shares: "INV-0003=330.30 INV-0005=500.00",
			reasons: "PAYER_ACCOUNT ONE_SUM", score: 60,
		},
		"the customer's number, the oldest first": {
			amount: "1100.00", text: "on account C10001", customer: "C-10001", shares: "INV-0001=1000.00 INV-0002=100.00",
			reasons: "CUSTOMER_NUMBER OLDEST_DUE_FIRST", score: 30,
		},
		"one of two with the same amount": {
			amount: "55.94", payer: "Harbour Foods GmbH", customer: "C-10002", shares: "0000611365=55.94", reasons: "PAYER_NAME SEVERAL_AMOUNTS", score: 40,
		},
		"a name that is nearly one": {
			amount: "1000.00", payer: "Harbor Foods GmbH", customer: "C-10002", shares: "0000611366=1000.00", reasons: "SIMILAR_NAME ONE_AMOUNT", score: 45,
		},
		"several numbers with mistakes": {
			amount: "1055.94", text: "611367, 611356", customer: "C-10002", shares: "0000611365=55.94 0000611366=1000.00", reasons: "SIMILAR_NUMBER AMOUNT_OF_NAMED", score: 60,
		},
		"the end of a number": {
			amount: "1000.00", text: "no. 11366", customer: "C-10002", shares: "0000611366=1000.00", reasons: "SIMILAR_NUMBER AMOUNT_OF_NAMED", score: 60,
		},
		"more than is owed":               {amount: "5000.00", account: "310066661018800012345", customer: "C-10001", shares: "INV-0001=1000.00 INV-0002=250.00 INV-0003=330.30 INV-0004=77.70 INV-0005=500.00", rest: "2842.00", reasons: "PAYER_ACCOUNT OLDEST_DUE_FIRST", score: 40},
		"nothing speaks for anybody":      {amount: "999.00", text: "refund of tax", payer: "Tax Office"},
		"a short number is none":          {amount: "999.00", text: "1 of 3", payer: "Somebody"},
		"another number of the same kind": {amount: "999.00", text: "INV-9901", payer: "Somebody"},
	} {
		got := cashmatch.Propose(cashmatch.Payment{
			Amount: cny(c.amount), Date: calendar.MustDate("2026-03-02"), Text: c.text, PayerName: c.payer, PayerAccount: c.account,
		}, []cashmatch.Customer{harbour(), voyager()})
		if c.customer == "" {
			if len(got) > 0 {
				t.Errorf("%s: %+v", name, got)
			}
			continue
		}
		if len(got) == 0 {
			t.Errorf("%s: no proposal", name)
			continue
		}
		if c.rest == "" {
			c.rest = "0.00"
		}
		best := got[0]
		if best.CustomerID != c.customer || shares(best) != c.shares || best.Rest != cny(c.rest) || kinds(best) != c.reasons || best.Score != c.score {
			t.Errorf("%s: %s %q rest %s by %q, %d points\nwant %s %q rest %s by %q, %d points", name,
				best.CustomerID, shares(best), best.Rest, kinds(best), best.Score, c.customer, c.shares, c.rest, c.reasons, c.score)
		}
	}
}

func shares(p cashmatch.Proposal) string {
	var out []string
	for _, s := range p.Shares {
		text := s.ItemID + "=" + s.Amount.String()
		if !s.Discount.IsZero() {
			text += "-" + s.Discount.String()
		}
		out = append(out, text)
	}
	return strings.Join(out, " ")
}

func kinds(p cashmatch.Proposal) string {
	var out []string
	for _, r := range p.Reasons {
		out = append(out, string(r.Kind))
	}
	return strings.Join(out, " ")
}

// What two customers may have paid is for a person to say.
func TestCertain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		scores []int
		limit  int
		want   bool
	}{
		"enough":              {[]int{90}, 85, true},
		"just enough":         {[]int{85, 65}, 85, true},
		"not enough":          {[]int{84}, 85, false},
		"another is close":    {[]int{90, 71}, 85, false},
		"nobody":              {nil, 85, false},
		"the policy has none": {[]int{100}, 0, false},
		"nearly a number":     {[]int{-100}, 85, false},
	} {
		var list []cashmatch.Proposal
		for _, s := range c.scores {
			p := cashmatch.Proposal{Score: s}
			if s < 0 {
				p = cashmatch.Proposal{Score: -s, Reasons: []cashmatch.Reason{{Kind: cashmatch.SimilarNumber}}}
			}
			list = append(list, p)
		}
		if got := cashmatch.Certain(list, c.limit); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// Money that is not what is named waits for a person, but for a part of the one item that is.
func TestNotCertain(t *testing.T) {
	t.Parallel()
	shares := []cashmatch.Share{{ItemID: "1"}, {ItemID: "2"}}
	for name, c := range map[string]struct {
		kind   cashmatch.Kind
		shares []cashmatch.Share
		want   bool
	}{
		"more than is named":        {cashmatch.MoreThanNamed, shares[:1], false},
		"less than several":         {cashmatch.PartOfNamed, shares, false},
		"a part of one":             {cashmatch.PartOfNamed, shares[:1], true},
		"the amount of what is":     {cashmatch.AmountOfNamed, shares, true},
		"numbers that are mistaken": {cashmatch.SimilarNumber, shares, false},
	} {
		p := cashmatch.Proposal{Score: 100, Shares: c.shares, Reasons: []cashmatch.Reason{{Kind: cashmatch.PayerAccount}, {Kind: c.kind}}}
		if got := cashmatch.Certain([]cashmatch.Proposal{p}, 85); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

// Whatever is proposed, the money is divided without rest or loss, and no item gets more than is open.
func TestProposalsAddUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		open := rapid.SliceOfN(rapid.Int64Range(1, 5000), 0, 60).Draw(t, "open")
		c := cashmatch.Customer{ID: "C-1", Name: "Voyager", Accounts: []string{"1"}}
		for i, o := range open {
			it := item("INV-"+strings.Repeat("7", 4+i%3)+string(rune('A'+i%26)), "2026-01-01", "0")
			it.ID += "/" + string(rune('a'+i))
			it.Open, it.DueDate = money.New(o, "CNY"), it.DueDate.AddDays(i%9)
			it.Discount = money.New(o/50, "CNY")
			c.Items = append(c.Items, it)
		}
		text := ""
		if len(c.Items) > 0 {
			text = c.Items[rapid.IntRange(0, len(c.Items)-1).Draw(t, "named")].DocumentID
		}
		p := cashmatch.Payment{
			Amount: money.New(rapid.Int64Range(1, 60_000).Draw(t, "amount"), "CNY"), Date: calendar.MustDate("2026-01-05"), Text: text, PayerAccount: "1",
		}
		list := cashmatch.Propose(p, []cashmatch.Customer{c})
		if len(list) != 1 {
			t.Fatalf("%d proposals", len(list))
		}
		sum, seen := list[0].Rest, []string{}
		for _, s := range list[0].Shares {
			at := slices.IndexFunc(c.Items, func(i cashmatch.Item) bool { return i.ID == s.ItemID })
			if at < 0 || !s.Amount.IsPositive() || s.Amount.Add(s.Discount).Cmp(c.Items[at].Open) > 0 || slices.Contains(seen, s.ItemID) {
				t.Fatalf("share %+v of %+v", s, c.Items)
			}
			seen, sum = append(seen, s.ItemID), sum.Add(s.Amount)
		}
		if sum != p.Amount || list[0].Rest.IsNegative() || list[0].Score > 100 || list[0].Score < 0 {
			t.Fatalf("%+v of %s", list[0], p.Amount)
		}
	})
}
