// SPDX-License-Identifier: MIT
#include "model/weak/fiber.h"

#include <cstdint>

namespace carafe::weak {

Fiber::Fiber() : stack_(std::make_unique<std::byte[]>(kStackBytes)) {}

void Fiber::enter(unsigned high, unsigned low) {
  auto& self = *reinterpret_cast<Fiber*>((std::uintptr_t{high} << 32) | low);
  self.body_();
  self.ended_ = true;
}

void Fiber::start(std::function<void()> body) {
  body_ = std::move(body);
  ended_ = false;
  ::getcontext(&inside_);
  inside_.uc_stack.ss_sp = stack_.get();
  inside_.uc_stack.ss_size = kStackBytes;
  inside_.uc_link = &outside_;
  // makecontext passes ints, so a pointer takes two.
  const auto self = reinterpret_cast<std::uintptr_t>(this);
  ::makecontext(&inside_, reinterpret_cast<void (*)()>(&Fiber::enter), 2, static_cast<unsigned>(std::uint64_t{self} >> 32),
                static_cast<unsigned>(self));
}

void Fiber::resume() { ::swapcontext(&outside_, &inside_); }
void Fiber::leave() { ::swapcontext(&inside_, &outside_); }

}  // namespace carafe::weak
