package report

// Phrase is a recorded sentence in Chinese.
func Phrase(s string) string { return chinese().phrase(s) }

// ChineseName is the name of an indicator or an input, empty where it has none.
func ChineseName(id string) string { return chineseNames()[id] }

// Texts are the texts of both languages.
func Texts() (en, zh map[string]string) { return english().text, chinese().text }
