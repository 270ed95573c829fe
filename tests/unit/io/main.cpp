#define DOCTEST_CONFIG_IMPLEMENT
#include <stdlib.h>

#include <doctest/doctest.h>

int main(int argc, char** argv) {
  ::setenv("HOME", "", 1);  // the certificates in the user's ~/.postgresql are no part of the tests
  return doctest::Context(argc, argv).run();
}
