"""Name what a face shows, from its Action Units."""
