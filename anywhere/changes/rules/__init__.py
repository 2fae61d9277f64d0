"""The network rules that task credentials need: plan, persistence, guard and proof."""
