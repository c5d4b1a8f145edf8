"""Publications read into tidy data: one module for each, `registry` lists them, `importing` runs one."""
