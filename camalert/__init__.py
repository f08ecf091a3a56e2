"""An alarm camera with no server: sensors and cameras to Delta Chat, end-to-end encrypted."""
