"""What everything else stands on: errors, language, names, files, the device. Imports no torch."""
