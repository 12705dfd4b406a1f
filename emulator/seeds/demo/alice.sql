-- What a developer leaves behind in a branch.
CREATE TABLE scratch_export AS SELECT id, full_name, email FROM customers WHERE id <= 100;
