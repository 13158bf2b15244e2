// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "carafe/cache.h"
#include "storm/oracle.h"
#include "storm/worker.h"
#include "support/child.h"
#include "support/random.h"
#include "support/scratch.h"

namespace carafe::test::storm {

/// Keeps a number of workers running on one segment, kills one every 1 to 20 ms, stops others for up to 5 s, and lets the sizes of values
/// shift. Has no thread of its own, so that what it forks is whole.
class Storm {
 public:
  Storm(const Phase& phase, std::uint64_t seed, std::size_t workers, Oracle& oracle)
      : phase_(phase), seed_(seed), oracle_(oracle), random_(seed), cache_(make(phase, workers)), workers_(workers) {
    oracle.secret = Random(~seed).next();
    oracle.roomy = phase.roomy ? 1 : 0;
    oracle.workers_in_use = static_cast<std::uint32_t>(workers);
    oracle.regime.store(kMixed);
    stalls_ = oracle.stalls.start();
    for (std::size_t i = 0; i < workers; ++i) start(i);
  }

  void rage(std::chrono::seconds duration) {
    begin_ns_ = now_in_ns();
    const std::uint64_t end_ns = begin_ns_ + static_cast<std::uint64_t>(std::chrono::nanoseconds(duration).count());
    std::uint64_t next_regime_ns = begin_ns_;
    std::uint64_t next_report_ns = begin_ns_ + kReportEvery;
    while (now_in_ns() < end_ns && oracle_.violations.load() == 0) {
      std::this_thread::sleep_for(std::chrono::microseconds(random_.between(1'000, 20'000)));
      resume_due();
      const std::size_t victim = random_.below(workers_.size());
      const bool stopped_too = random_.one_in(8);  // most that were stopped shall go on, with what they held
      const std::size_t to_stop = random_.below(workers_.size());
      const std::uint64_t stop_ms = 1 + random_.log_uniform(5'000);
      kill_one(victim, stopped_too);
      if (stop_ms % 4 == 0) stop(to_stop, stop_ms);
      for (std::size_t i = 0; i < workers_.size(); ++i) restart_if_it_ended(i);
      if (now_in_ns() > next_regime_ns) {
        oracle_.regime.store(static_cast<std::uint32_t>(random_.below(kRegimes)));
        next_regime_ns = now_in_ns() + random_.between(200, 1'500) * kMillisecond;
      }
      if (now_in_ns() > next_report_ns) {
        report("so far");
        next_report_ns += kReportEvery;
      }
    }
    raged_ns_ = now_in_ns() - begin_ns_;
  }

  /// Lets all workers come to an end. True when each did, and by itself.
  bool calm() {
    bool fine = true;
    oracle_.stop.store(1);
    for (std::size_t i = 0; i < workers_.size(); ++i) resume(i);
    for (std::size_t i = 0; i < workers_.size(); ++i) {
      const int status = workers_[i].wait(std::chrono::seconds(30));
      close_accounts(i);
      if (killed_[i] && status == 128 + SIGKILL) continue;
      if (status != 0)
        std::fprintf(stderr, "%s: worker %zu ended with status %d%s\n", phase_.name, i, status, status == -1 ? ": it hung" : "");
      fine = fine && status == 0;
    }
    stalls_.kill();
    return fine;
  }

  void report(const char* when) const {
    const auto ms = [](std::uint64_t ns) { return static_cast<double>(ns) / static_cast<double>(kMillisecond); };
    const auto n = &Oracle::number;
    std::printf(
        "%s, %s: %llu kills, %llu stops, %llu attaches, %llu calls, %llu hits, %llu reads of exactly known state, %llu forgotten, %llu "
        "busy, "
        "%llu without space\n"
        "  lost: %llu that nobody was writing, %llu with their writer; killed writers found out: %llu\n"
        "  longest call: %.1f ms of its own, %.1f ms by the clock (%llu above 50 ms); the machine's longest stall: %.1f ms (%llu above 2 "
        "ms)\n",
        phase_.name, when, n(kills_), n(stops_), n(oracle_.attaches.load()), n(oracle_.calls.load()), n(oracle_.hits.load()),
        n(oracle_.strict.load()), n(oracle_.forgotten.load()), n(oracle_.busy.load()), n(oracle_.no_space.load()), n(oracle_.lost.load()),
        n(oracle_.lost_with_writer.load()), n(oracle_.resolved.load()), ms(oracle_.longest_own_ns.load()),
        ms(oracle_.longest_call_ns.load()), n(oracle_.slow_calls.load()), ms(oracle_.stalls.longest_ns()), n(oracle_.stalls.count()));
    const Stats stats = cache_.stats();
    std::printf(
        "  segment: %llu items, %llu evictions (%llu by conflict), %llu expirations, %llu pages moved, %llu tables replaced, %llu locks "
        "taken "
        "over, %llu chunks reclaimed, %llu reads given up\n",
        n(stats.items), n(stats.evictions), n(stats.conflict_evictions), n(stats.expirations), n(stats.pages_moved),
        n(stats.index_rebuilds), n(stats.recoveries), n(stats.reclaimed_chunks), n(stats.reader_contended));
    std::fflush(stdout);
  }

  [[nodiscard]] Cache& cache() noexcept { return cache_; }
  [[nodiscard]] std::uint64_t kills() const noexcept { return kills_; }
  [[nodiscard]] double seconds() const noexcept { return static_cast<double>(raged_ns_) / 1e9; }

 private:
  static constexpr std::uint64_t kReportEvery = 60'000 * kMillisecond;

  Cache make(const Phase& phase, std::size_t workers) {
    Options options = with_capacity(phase.capacity_bytes);
    options.max_workers = static_cast<std::uint32_t>(std::max<std::size_t>(64, 4 + workers * (kMostThreads + 1)));
    return Cache::create(name_, options);
  }

  /// The k-th tenant of a worker's place has the same seed in each run.
  void start(std::size_t index) {
    const std::uint64_t seed = Random(seed_ ^ (index << 48) ^ ++tenants_[index]).next();
    workers_[index] = Child::fork([this, index, seed] { return run_worker(oracle_, phase_, index, seed, cache_, name_.str()); });
  }

  void stop(std::size_t index, std::uint64_t for_ms) {
    const auto stopped = std::count_if(resume_at_ns_.begin(), resume_at_ns_.end(), [](std::uint64_t at_ns) { return at_ns != 0; });
    if (killed_[index] || resume_at_ns_[index] != 0 || static_cast<std::size_t>(stopped) * 2 >= workers_.size()) return;
    oracle_.workers[index].stops.fetch_add(1);  // odd, before it can have any effect
    workers_[index].signal(SIGSTOP);
    resume_at_ns_[index] = now_in_ns() + for_ms * kMillisecond;
    ++stops_;
  }
  void resume(std::size_t index) {
    if (resume_at_ns_[index] == 0) return;
    oracle_.workers[index].stops.fetch_add(1);  // even, before it goes on
    workers_[index].signal(SIGCONT);
    resumed_ns_[index] = now_in_ns();
    resume_at_ns_[index] = 0;
  }
  void resume_due() {
    const std::uint64_t now_ns = now_in_ns();
    for (std::size_t i = 0; i < workers_.size(); ++i)
      if (resume_at_ns_[i] != 0 && resume_at_ns_[i] < now_ns) resume(i);
  }

  /// Kills that worker or, where it is stopped or dying already, the next that is not. It is reaped later: dying takes as long as the
  /// machine lets it, and others shall meet with it.
  void kill_one(std::size_t index, bool stopped_too) {
    for (std::size_t i = 0; i < workers_.size(); ++i, index = index + 1 == workers_.size() ? 0 : index + 1) {
      if (killed_[index] || (resume_at_ns_[index] != 0 && !stopped_too)) continue;
      for (const ThreadRecord& thread : oracle_.workers[index].threads) look_for_a_hang(index, thread);
      workers_[index].signal(SIGKILL);
      killed_[index] = true;
      ++kills_;
      return;
    }
  }

  void restart_if_it_ended(std::size_t index) {
    const int status = workers_[index].poll();
    if (status == Child::kStillRunning) return;
    if (status != 0 && !(killed_[index] && status == 128 + SIGKILL)) oracle_.violation("a worker ended with status %d", status);
    close_accounts(index);
    killed_[index] = false;
    start(index);
  }

  /// The worker was reaped: what it was doing will not be done.
  void close_accounts(std::size_t index) {
    WorkerRecord& record = oracle_.workers[index];
    if ((record.stops.load() & 1) != 0) record.stops.fetch_add(1);
    resume_at_ns_[index] = 0;
    for (ThreadRecord& thread : record.threads) close_account(thread);
  }

  void close_account(ThreadRecord& thread) {
    thread.call_begin_ns.store(0);
    thread.tid.store(0);
    const std::uint64_t key = thread.key.load();
    const std::uint64_t sequence = thread.sequence.load();
    if (key != 0 && sequence != 0) {
      Operation& operation = oracle_.keys[key - 1].operation(sequence);
      if (operation.sequence.load() == sequence && operation.outcome.load() == kInFlight) {
        operation.end_ns.store(now_in_ns());
        operation.outcome.store(kUnknown);
        if (phase_.roomy) find_out(key - 1, sequence);
      }
    }
    thread.sequence.store(0);
    thread.key.store(0);
  }

  /// A writer was killed, and before it wrote its key's state was known: what is there now has to be the old value or the new one.
  void find_out(std::size_t key, std::uint64_t sequence) {
    KeyRecord& record = oracle_.keys[key];
    Operation& operation = record.operation(sequence);
    const std::uint64_t prior = operation.prior.load();
    if (prior == 0 || record.begun.load() != sequence) return;
    const Operation& last = record.operation(prior);
    const std::uint32_t was = last.outcome.load();
    if (last.sequence.load() != prior || (was != kWrote && was != kEmptied)) return;
    const std::uint64_t may_end_ns = std::min(Oracle::earliest_end_ns(last), Oracle::earliest_end_ns(operation));
    const bool may_be_empty = was == kEmptied || operation.is_erase.load() != 0;
    const std::string text = key_text(key);
    const auto value = cache_.get(text);
    if (record.begun.load() != sequence) return;  // another one is at it already
    oracle_.resolved.fetch_add(1);
    if (value) {
      const auto found = sequence_of(text, *value, oracle_.secret);
      if (!found || (*found != sequence && (*found != prior || was != kWrote)))
        return oracle_.violation("get %s after its writer's death: value %llu, neither %llu nor %llu", text.c_str(),
                                 Oracle::number(found.value_or(0)), Oracle::number(prior), Oracle::number(sequence));
      operation.outcome.store(*found == sequence ? kWrote : kRefused);  // dead men finish nothing
      if (*found == sequence) record.known.store(sequence);
      return;
    }
    if (!may_be_empty && Oracle::is_gone(record, sequence, may_end_ns, [&] { return cache_.contains(text); }))
      oracle_.lost_with_writer.fetch_add(1);
  }

  /// A call that hangs would never be seen if its worker is killed first.
  void look_for_a_hang(std::size_t index, const ThreadRecord& record) {
    const WorkerRecord& worker = oracle_.workers[index];
    const std::uint32_t stops = worker.stops.load();
    const std::uint64_t begin_ns = record.call_begin_ns.load();
    const std::uint64_t now_ns = now_in_ns();
    if (begin_ns == 0 || (stops & 1) != 0 || begin_ns + kLongestCall > now_ns || resumed_ns_[index] > begin_ns) return;
    const std::string path = "/proc/" + std::to_string(workers_[index].pid()) + "/task/" + std::to_string(record.tid.load()) + "/schedstat";
    const std::uint64_t told_ns = run_delay_of(path.c_str());
    const std::uint64_t before_ns = record.run_delay_ns.load();
    // A thread that waits for a processor just now is told of that only when it has one.
    if (told_ns < before_ns || record.call_begin_ns.load() != begin_ns || worker.stops.load() != stops) return;
    const std::uint64_t kept_ns = told_ns - before_ns + oracle_.stalls.within(begin_ns, now_ns);
    const std::uint64_t took_ns = now_ns - begin_ns;
    if (took_ns > kept_ns + kHang) oracle_.violation("a call has not come back for %llu ms", Oracle::number(took_ns / kMillisecond));
  }

  const Phase& phase_;
  const std::uint64_t seed_;
  Oracle& oracle_;
  Random random_;
  ScratchName name_{"storm"};
  Cache cache_;
  std::array<std::uint64_t, kMostWorkers> tenants_{};
  std::array<std::uint64_t, kMostWorkers> resume_at_ns_{};  // 0: not stopped
  std::array<std::uint64_t, kMostWorkers> resumed_ns_{};
  std::array<bool, kMostWorkers> killed_{};  // and not reaped yet
  std::uint64_t kills_ = 0;
  std::uint64_t stops_ = 0;
  std::uint64_t begin_ns_ = 0;
  std::uint64_t raged_ns_ = 0;
  Child stalls_;
  std::vector<Child> workers_;  // last, so that they are gone before what they use
};

}  // namespace carafe::test::storm
