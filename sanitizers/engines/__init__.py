"""The two engines that write masked rows, and what both need: what stands in their way, and a journal."""
