package criteria

// FileField is a part of the customer file that an application may need.
type FileField string

// The parts.
const (
	// FieldLegalName is the registered name.
	FieldLegalName FileField = "LEGAL_NAME"
	// FieldRegistration is the unified social credit code of a Chinese firm, the registration number of another one.
	FieldRegistration FileField = "REGISTRATION"
	// FieldRepresentative is the legal representative.
	FieldRepresentative FileField = "LEGAL_REPRESENTATIVE"
	// FieldLegalForm is the legal form.
	FieldLegalForm FileField = "LEGAL_FORM"
	// FieldFoundingDate is the day of foundation.
	FieldFoundingDate FileField = "FOUNDING_DATE"
	// FieldIndustry is the trade that it is in.
	FieldIndustry FileField = "INDUSTRY"
	// FieldAddress is any address.
	FieldAddress FileField = "ADDRESS"
	// FieldContact is a contact that can be reached.
	FieldContact FileField = "CONTACT"
	// FieldUsualPurchase is one usual purchase, or the pattern.
	FieldUsualPurchase FileField = "USUAL_PURCHASE"
	// FieldAnalyst is the responsible credit analyst.
	FieldAnalyst FileField = "CREDIT_ANALYST"
)

// Form is what an application must have to be complete (S2.11), beside what every one needs.
type Form struct {
	// Fields of the customer file.
	Fields []FileField
	// Purpose, and for standing credit Instruments, must be said.
	Purpose, Instruments bool
	// Checklist: every item of it must be met.
	Checklist bool
	// Documents is how many must be attached.
	Documents int
}
