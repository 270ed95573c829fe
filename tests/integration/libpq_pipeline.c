// libpq_pipeline URL CASE: many requests under way on one connection, as libpq sends them; exits with 1 on a wrong answer.
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { requests = 2000 };

static PGconn* connection;

static void fail(const char* what) {
  fprintf(stderr, "%s: %s\n", what, PQerrorMessage(connection));
  exit(1);
}

static void check(int ok, const char* what) {
  if (!ok) fail(what);
}

// The next result, which must have this status; NULL results part the requests.
static PGresult* expect(ExecStatusType status) {
  PGresult* result = PQgetResult(connection);
  check(result != NULL, "a result is missing");
  if (PQresultStatus(result) != status) {
    fprintf(stderr, "got %s, not %s\n", PQresStatus(PQresultStatus(result)), PQresStatus(status));
    fail("wrong status");
  }
  return result;
}

static void expect_end(void) { check(PQgetResult(connection) == NULL, "one result too many"); }

static void expect_only(ExecStatusType status) {
  PQclear(expect(status));
  if (status != PGRES_PIPELINE_SYNC) expect_end();
}

static void expect_number(int number) {
  PGresult* result = expect(PGRES_TUPLES_OK);
  check(atoi(PQgetvalue(result, 0, 0)) == number, "another request's answer");
  PQclear(result);
  expect_end();
}

static void ask(const char* sql, int number) {
  char text[16];
  snprintf(text, sizeof text, "%d", number);
  const char* values[] = {text};
  check(PQsendQueryParams(connection, sql, 1, NULL, values, NULL, NULL, 0), "send");
}

static void ask_prepared(const char* name, int number) {
  char text[16];
  snprintf(text, sizeof text, "%d", number);
  const char* values[] = {text};
  check(PQsendQueryPrepared(connection, name, 1, values, NULL, NULL, 0), "send");
}

static void sync_point(void) { check(PQpipelineSync(connection), "sync"); }

static void in_order(void) {
  for (int i = 0; i < requests; i++) {
    ask("select $1::int", i);
    if (i % 100 == 99) sync_point();
  }
  for (int i = 0; i < requests; i++) {
    expect_number(i);
    if (i % 100 == 99) expect_only(PGRES_PIPELINE_SYNC);
  }
}

static void prepared(void) {
  check(PQsendPrepare(connection, "doubled", "select $1::int * 2", 0, NULL), "prepare");
  check(PQsendDescribePrepared(connection, "doubled"), "describe");
  for (int i = 0; i < requests; i++) ask_prepared("doubled", i);
  sync_point();
  expect_only(PGRES_COMMAND_OK);
  expect_only(PGRES_COMMAND_OK);
  for (int i = 0; i < requests; i++) expect_number(i * 2);
  expect_only(PGRES_PIPELINE_SYNC);
}

static void error(void) {
  ask("select $1::int", 1);
  ask("select 1 / $1::int", 0);
  ask("select $1::int", 2);
  sync_point();
  ask("select $1::int", 3);
  sync_point();
  expect_number(1);
  expect_only(PGRES_FATAL_ERROR);
  expect_only(PGRES_PIPELINE_ABORTED);
  expect_only(PGRES_PIPELINE_SYNC);
  expect_number(3);
  expect_only(PGRES_PIPELINE_SYNC);
}

static void flush(void) {
  for (int i = 0; i < 10; i++) {
    ask("select $1::int", i);
    check(PQsendFlushRequest(connection), "flush");
    expect_number(i);
  }
  sync_point();
  expect_only(PGRES_PIPELINE_SYNC);
}

// More goes in and comes out than any buffer between holds.
static void large(void) {
  enum { size = 1000000, times = 20 };
  char* text = malloc(size + 1);
  memset(text, 'x', size);
  text[size] = 0;
  const char* values[] = {text};
  for (int i = 0; i < times; i++) {
    check(PQsendQueryParams(connection, "select $1::text", 1, NULL, values, NULL, NULL, 0), "send");
  }
  sync_point();
  for (int i = 0; i < times; i++) {
    PGresult* result = expect(PGRES_TUPLES_OK);
    check(PQgetlength(result, 0, 0) == size, "cut");
    PQclear(result);
    expect_end();
  }
  expect_only(PGRES_PIPELINE_SYNC);
  free(text);
}

int main(int count, char** arguments) {
  static const struct {
    const char* name;
    void (*run)(void);
  } cases[] = {{"in_order", in_order}, {"prepared", prepared}, {"error", error}, {"flush", flush}, {"large", large}};
  if (count != 3) return 2;
  connection = PQconnectdb(arguments[1]);
  check(PQstatus(connection) == CONNECTION_OK, "connect");
  check(PQenterPipelineMode(connection), "enter");
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    if (strcmp(cases[i].name, arguments[2]) != 0) continue;
    cases[i].run();
    check(PQexitPipelineMode(connection), "leave");
    PQfinish(connection);
    return 0;
  }
  fprintf(stderr, "no case %s\n", arguments[2]);
  return 2;
}
