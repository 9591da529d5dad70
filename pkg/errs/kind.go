package errs

// Kind is the class of an error: what the caller can do about it. The zero Kind is
// no error.
type Kind uint8

// The kinds of errors.
const (
	// Invalid: the request itself is wrong, whatever the state of the system.
	Invalid Kind = iota + 1
	// Unauthenticated: the caller did not prove who they are.
	Unauthenticated
	// PermissionDenied: the caller is known and may not do this.
	PermissionDenied
	// NotFound: the thing named does not exist, or not for this caller.
	NotFound
	// AlreadyExists: the thing to create is there already.
	AlreadyExists
	// FailedPrecondition: the state of the system does not allow it; the same call
	// fails again until something else is done first.
	FailedPrecondition
	// Aborted: lost a race with another writer; the same call may succeed at once.
	Aborted
	// ResourceExhausted: a quota or a limit is used up.
	ResourceExhausted
	// Unavailable: a part that is needed cannot be reached now; try again later.
	Unavailable
	// DeadlineExceeded: the time given by the caller was used up.
	DeadlineExceeded
	// Canceled: the caller went away.
	Canceled
	// Unimplemented: there is no such operation.
	Unimplemented
	// Internal: a defect; nothing of it is shown but an id.
	Internal
)

// String returns the name of the kind in UPPER_SNAKE_CASE.
func (k Kind) String() string {
	switch k {
	case Invalid:
		return "INVALID"
	case Unauthenticated:
		return "UNAUTHENTICATED"
	case PermissionDenied:
		return "PERMISSION_DENIED"
	case NotFound:
		return "NOT_FOUND"
	case AlreadyExists:
		return "ALREADY_EXISTS"
	case FailedPrecondition:
		return "FAILED_PRECONDITION"
	case Aborted:
		return "ABORTED"
	case ResourceExhausted:
		return "RESOURCE_EXHAUSTED"
	case Unavailable:
		return "UNAVAILABLE"
	case DeadlineExceeded:
		return "DEADLINE_EXCEEDED"
	case Canceled:
		return "CANCELED"
	case Unimplemented:
		return "UNIMPLEMENTED"
	case Internal:
		return "INTERNAL"
	default:
		return "NONE"
	}
}
