// SPDX-License-Identifier: MIT
// Runs a fuzz target without libFuzzer:
//
//   TARGET PATH...                        over inputs: each is a file or a folder of files
//   TARGET --random COUNT [SEED [FIRST]]  over COUNT random inputs from number FIRST on; input N of a SEED is always the same
//
// An input that ends the program is left in the file failed-input-SEED-N.
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr unsigned kHangSeconds = 30;  // then SIGALRM ends it

int replayed = 0;

void run(const std::vector<std::uint8_t>& bytes) {
  ::alarm(kHangSeconds);
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
  ::alarm(0);
}

void replay(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  run({bytes.begin(), bytes.end()});
  ++replayed;
}

unsigned long long at_work = 0;  // number of the random input
unsigned long long seed = 1;
std::vector<std::uint8_t> input;

/// Says which input it was, keeps it, and ends as it would have ended.
void last_words(int number) {
  char line[80];
  const int bytes = std::snprintf(line, sizeof line, "signal %d; repeat with: --random 1 %llu %llu\n", number, seed, at_work);
  if (::write(STDERR_FILENO, line, static_cast<std::size_t>(bytes)) < 0) ::_exit(1);
  std::snprintf(line, sizeof line, "failed-input-%llu-%llu", seed, at_work);
  const int fd = ::open(line, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd >= 0 && ::write(fd, input.data(), input.size()) < 0) ::_exit(1);
  std::signal(number, SIG_DFL);
  std::raise(number);
}

int run_random(int argc, char** argv) {
  const auto number = [&](int i, unsigned long long otherwise) { return argc > i ? std::strtoull(argv[i], nullptr, 10) : otherwise; };
  const unsigned long long count = number(2, 0);
  seed = number(3, 1);
  const unsigned long long first = number(4, 0);
  for (const int signal : {SIGABRT, SIGALRM, SIGSEGV, SIGBUS, SIGFPE})
    if (const auto before = std::signal(signal, &last_words); before != SIG_DFL) std::signal(signal, before);  // a sanitizer's
  const auto begin = std::chrono::steady_clock::now();
  for (at_work = first; at_work < first + count; ++at_work) {
    std::mt19937_64 random(seed * 0x9e3779b97f4a7c15ULL + at_work);
    const std::size_t most = std::size_t{16} << random() % 6;
    input.resize(random() % most);
    for (auto& byte : input) byte = static_cast<std::uint8_t>(random() >> 56);
    run(input);
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  std::printf("%llu random inputs of seed %llu in %.1f s: %.0f a second\n", count, seed, seconds, static_cast<double>(count) / seconds);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint8_t nothing = 0;
  LLVMFuzzerTestOneInput(&nothing, 0);
  if (argc > 2 && std::strcmp(argv[1], "--random") == 0) return run_random(argc, argv);
  for (int i = 1; i < argc; ++i) {
    if (std::filesystem::is_directory(argv[i])) {
      for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[i])) {
        if (entry.is_regular_file()) replay(entry.path());
      }
    } else {
      replay(argv[i]);
    }
  }
  std::printf("%d inputs replayed\n", replayed);
  return 0;
}
