"""Groups of texts that lie close together: how many, which, what they are about, which texts stand for them.

kmeans and density find them, names and spoken name them, members tells the typical texts and the strangers,
duplicates and agreement look at the texts without regard to a map. Knows nothing of Gradio or of drawing.
"""

from apps.embedding.clusters.agreement import Agreement, agreement
from apps.embedding.clusters.density import hdbscan
from apps.embedding.clusters.duplicates import near_duplicates
from apps.embedding.clusters.kmeans import MOST, kmeans
from apps.embedding.clusters.members import lonely, typical
from apps.embedding.clusters.names import named

__all__ = ["MOST", "Agreement", "agreement", "hdbscan", "kmeans", "lonely", "named", "near_duplicates", "typical"]
