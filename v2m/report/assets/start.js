
// All is in place: show the beginning.
moved();
