-- What a new project at Neon has: one role, and a database that is its own. For docker compose --profile local.
create role app login password 'local';
create database app owner app;
