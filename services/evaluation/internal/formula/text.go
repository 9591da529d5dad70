package formula

import "strings"

// binds is how tightly an operation binds its parts; what is written name(...) binds most.
func (o Op) binds() int {
	switch o {
	case If:
		return 1
	case Or:
		return 2
	case And:
		return 3
	case Equal, NotEqual, Less, LessEqual, Greater, GreaterEqual:
		return 4
	case Add, Subtract:
		return 5
	case Multiply, Divide:
		return 6
	case Not, Negate:
		return 7
	default:
		return 8
	}
}

// write gives a part its text, from the texts of its parts; brackets stand only where they
// are needed.
func (p *Part) write() {
	arg := func(i int, tighter bool) string {
		a := p.Args[i]
		if least := p.Op.binds(); a.Op.binds() < least || tighter && a.Op.binds() == least {
			return "(" + a.Text + ")"
		}
		return a.Text
	}
	switch p.Op {
	case Input:
		p.Text = p.Name
	case Known:
		p.Text = string(Known) + "(" + p.Name + ")"
	case Literal:
		if p.Text == "" {
			p.Text = p.Literal.String()
		}
		if p.Literal.Type == Text {
			p.Text = "\"" + p.Literal.Text + "\""
		}
	case Not:
		p.Text = "!" + arg(0, true)
	case Negate:
		p.Text = "-" + arg(0, true)
		if strings.HasPrefix(p.Text, "--") {
			p.Text = "-(" + p.Args[0].Text + ")"
		}
	case If:
		p.Text = arg(0, true) + " ? " + arg(1, true) + " : " + arg(2, false)
	case Min, Max, RoundDown, RoundHalfUp:
		texts := make([]string, len(p.Args))
		for i, a := range p.Args {
			texts[i] = a.Text
		}
		p.Text = string(p.Op) + "(" + strings.Join(texts, ", ") + ")"
	default:
		p.Text = arg(0, false) + " " + string(p.Op) + " " + arg(1, true)
	}
}

// New returns a formula of a text and its parts, and writes the text of each part.
func New(text string, root *Part) Formula {
	var write func(*Part)
	write = func(p *Part) {
		for _, a := range p.Args {
			write(a)
		}
		p.write()
	}
	write(root)
	return Formula{Text: text, Root: root}
}
